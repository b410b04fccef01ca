// What the page says is in the books of all its languages (src/words/*.json), and those hold nothing else.
//
// Usage: node catalogue.mjs (page/build.sh and page/check.sh do it); --list prints what the page says.
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'svelte/compiler'

const NAMES = new Set(['JPEG', 'PNG', 'TIFF', 'WebP', 'NPY', 'EN', 'DE', 'FR', 'English', 'Deutsch', 'Français', 'untaught', 'full scale', 'not judged']) // the same in all of them
const KEYS = /^(Arrow\w+|Page\w+|Home|End|Enter|Escape|Tab|Files|DownloadURL|SharedWorker)$/ // of the browser
const SHOWN = new Set(['aria-label', 'aria-valuetext', 'title', 'alt', 'placeholder', 'label'])
const WORDS = /\p{L}{2}/u
const TOLD = /^\p{Lu}\p{Ll}+$|^\p{Lu}[^/<>=]*[.?!:]$|\p{L}{2,},? \p{L}/u // a literal that looks as if somebody were to read it

const said = new Map() // what is handed to t, and where
const loose = [] // what is shown, and is not

function walk(node, file, inside) {
  if (!node || typeof node !== 'object') return
  if (Array.isArray(node)) return node.forEach((one) => walk(one, file, inside))
  const { type } = node
  if (type === 'StyleSheet' || type === 'Comment' || type?.startsWith('TS') && type !== 'TSAsExpression' && type !== 'TSNonNullExpression' && type !== 'TSSatisfiesExpression') return
  if (type === 'ImportDeclaration') return
  if (type === 'Text') {
    if ((inside === 'text' || SHOWN.has(inside)) && WORDS.test(node.data) && !NAMES.has(node.data.trim())) loose.push(`${file}: ${node.data.trim()}`)
    return
  }
  if (type === 'Attribute') return walk(node.value, file, node.name)
  if (type === 'CallExpression' && /^(closest|querySelector(All)?)$/.test(node.callee.property?.name ?? '')) return walk(node.callee.object, file, 'script')
  if (type === 'CallExpression' && node.callee.type === 'Identifier' && ['t', 'told'].includes(node.callee.name)) {
    literals(node.arguments[0]).forEach((text) => text && said.set(text, file))
    return walk(node.arguments.slice(1), file, 'script')
  }
  if (type === 'Property' || type === 'MemberExpression') {
    if (node.computed) walk(node.key ?? node.property, file, 'script')
    walk(node.object, file, 'script')
    return walk(node.value, file, 'script')
  }
  if (type === 'Literal' && typeof node.value === 'string') look(node.value, file)
  if (type === 'TemplateElement') look(node.value.cooked, file)
  for (const [name, one] of Object.entries(node)) {
    if (['type', 'start', 'end', 'loc', 'name_loc', 'parent', 'leadingComments', 'trailingComments', 'typeAnnotation', 'typeArguments', 'typeParameters', 'returnType'].includes(name)) continue
    walk(one, file, ['fragment', 'nodes'].includes(name) ? 'text' : inside)
  }
}

/** All that an argument may be, where it chooses among sentences. */
function literals(node) {
  if (node.type === 'Literal') return [node.value]
  if (node.type === 'ConditionalExpression') return [...literals(node.consequent), ...literals(node.alternate)]
  return node.type === 'LogicalExpression' ? [...literals(node.left), ...literals(node.right)] : []
}

/** A literal: what is looked up by a name is in the books, and so is what looks as if it were read. */
function look(text, file) {
  if (keys.has(text)) said.set(text, file)
  else if (TOLD.test(text.trim()) && !/^linear-gradient/.test(text) && !KEYS.test(text) && !NAMES.has(text)) loose.push(`${file}: '${text}'`)
}

const root = new URL('./src/', import.meta.url)
const books = readdirSync(new URL('words/', root)).map((name) => [name, JSON.parse(readFileSync(new URL(`words/${name}`, root), 'utf8'))])
const keys = new Set(books.flatMap(([, book]) => [...Object.keys(book.page), ...Object.keys(book.served)]))
for (const name of [...readdirSync(root), ...readdirSync(new URL('lib/', root)).map((one) => `lib/${one}`)].filter((one) => /\.(svelte|ts)$/.test(one))) {
  const text = readFileSync(new URL(name, root), 'utf8')
  const tree = parse(name.endsWith('.svelte') ? text : `<script lang="ts">\n${text}\n</script>`, { modern: true })
  walk(tree.instance?.content ?? null, name, 'script')
  walk(tree.module?.content ?? null, name, 'script')
  walk(tree.fragment, name, 'text')
}

if (process.argv.includes('--list')) console.log(JSON.stringify([...said.keys()], null, 1))
const wrong = loose.map((one) => `not in the books: ${one}`)
const values = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join()
for (const [name, book] of books) {
  for (const [key, file] of said) if (!(key in book.page) && !(key in book.served)) wrong.push(`${name} lacks what ${file} says: ${key}`)
  for (const key of Object.keys(book.page)) if (!said.has(key)) wrong.push(`${name} holds what is said nowhere: ${key}`)
  for (const [key, text] of [...Object.entries(book.page), ...Object.entries(book.served)])
    if (!text || values(text) !== values(key)) wrong.push(`${name} has other values than its key: ${key}`)
}
if (wrong.length) {
  console.error(wrong.join('\n'))
  process.exit(1)
}
