/** Light or dark: the system's choice until a person makes one. */
export function theme(): 'light' | 'dark' {
  const chosen = localStorage.getItem('theme')
  if (chosen === 'light' || chosen === 'dark') return chosen
  return matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark'
}

export function applyTheme(): void {
  document.documentElement.dataset.theme = theme()
}

export function toggleTheme(): 'light' | 'dark' {
  localStorage.setItem('theme', theme() === 'dark' ? 'light' : 'dark')
  applyTheme()
  return theme()
}
