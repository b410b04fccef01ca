/** What the page says, in the language of who reads it. A sentence is known by its English words; every other language is one file. */
import de from '../words/de.json'
import fr from '../words/fr.json'

const BOOKS: Record<string, Record<string, string>> = { de: { ...de.page, ...de.served }, fr: { ...fr.page, ...fr.served } }
export const LANGUAGES: Record<string, string> = { en: 'English', de: 'Deutsch', fr: 'Français' }
type Values = Record<string, string | number>

function begun(): string {
  const chosen = localStorage.getItem('language')
  const known = [chosen, ...navigator.languages.map((one) => one.slice(0, 2))].find((one) => one && one in LANGUAGES)
  return known ?? 'en'
}

class Reader {
  language = $state(begun())

  choose(language: string): void {
    this.language = language
    localStorage.setItem('language', language)
  }
}

export const reader = new Reader()

/** A sentence of the page; {name} in it stands for a value. */
export function t(text: string, values: Values = {}): string {
  const said = BOOKS[reader.language]?.[text] ?? text
  return said.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

const POINT: Record<string, string> = { de: ',', fr: ',' }
const NUMBERS = /^\d+(\.\d+)?(, \d+(\.\d+)?)*( %| of 255)?$/ // as the engine writes them

const shapes: Record<string, [RegExp, string][]> = {}

/** The sentences that hold values, as what finds them. */
function patterns(language: string): [RegExp, string][] {
  const escaped = (part: string) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const place = (part: string) => part.slice(1, -1).split('}{').map((name, i) => `(?<${name}>${i ? '' : '.*?'})`).join('') // of two beside each other the first has all
  const found = (key: string) => new RegExp(`^${key.split(/((?:\{\w+\})+)/).map((part) => (/^\{\w+\}/.test(part) ? place(part) : escaped(part))).join('')}$`)
  return (shapes[language] ??= Object.keys(BOOKS[language] ?? {})
    .filter((key) => /\{\w+\}/.test(key))
    .sort((a, b) => b.length - a.length)
    .map((key) => [found(key), key]))
}

/** A sentence that the studio sent, with its values in it already; one that no book holds stays as it is. */
export function told(text: string): string {
  const book = BOOKS[reader.language]
  if (!book || text in book) return t(text)
  for (const [shape, key] of patterns(reader.language)) {
    const match = shape.exec(text)
    if (match) return t(key, Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, pieces(value, book)])))
  }
  return text
}

/** A value of a sentence: a number, as it is written there; or a sentence itself, or one and what follows it after a comma. */
function pieces(text: string, book: Record<string, string>): string {
  if (NUMBERS.test(text)) return text.replace(/, /g, '; ').replace(/(\d)\.(\d)/g, `$1${POINT[reader.language] ?? '.'}$2`).replace(' %', '\u00a0%').replace('of 255', t('of 255'))
  if (text in book) return book[text]!
  for (let at = text.lastIndexOf(', '); at > 0; at = text.lastIndexOf(', ', at - 1))
    if (text.slice(0, at) in book) return book[text.slice(0, at)]! + told(text.slice(at))
  return told(text)
}

const TITLES = ['doubtful because', 'out of reach because', 'filled in:']

/** What a report says of a result: a title, and its reasons. */
export function reported(text: string): string {
  const title = BOOKS[reader.language] && TITLES.find((one) => text.startsWith(one))
  return title ? `${t(title)} ${text.slice(title.length + 1).split('; and ').map(told).join('; ')}` : told(text)
}

/** A number as it is written there. */
export function figure(value: number, digits = 0): string {
  return value.toLocaleString(reader.language, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false })
}
