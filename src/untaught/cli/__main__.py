from untaught.cli import main

main()
