/** Numbers in a person's words. */
import { figure, t, told } from './words.svelte'

export function time(seconds: number): string {
  if (seconds < 1) return t('a moment')
  if (seconds < 90) return t('{n} s', { n: Math.round(seconds) })
  if (seconds < 5400) return t('{n} min', { n: Math.round(seconds / 60) })
  return t('{n} h', { n: figure(seconds / 3600, 1) })
}

/** "About 20 to 40 s left": coarse on purpose. */
export function left(range: [number, number | null]): string {
  const high = range[1]
  const low = high === null ? range[0] : Math.max(range[0], high / 3) // a wider range says nothing
  if (high === null) return t('At least {time} left.', { time: time(coarse(low)) })
  if (high < 4) return t('Only moments left.')
  const [a, b] = [coarse(low), coarse(high)]
  const [x, y] = [time(a), time(b)]
  if (x === y) return t('About {time} left.', { time: y })
  const unit = y.split(' ')[1]
  return t('About {low} to {high} left.', { low: x.endsWith(` ${unit}`) ? x.split(' ')[0]! : x, high: y })
}

function coarse(seconds: number): number {
  const step = seconds < 20 ? 2 : seconds < 90 ? 5 : seconds < 600 ? 60 : seconds < 5400 ? 300 : 1800
  return Math.max(1, Math.round(seconds / step) * step)
}

export function bytes(count: number): string {
  return count < 1e6 ? t('{n} kB', { n: Math.max(1, Math.round(count / 1e3)) }) : t('{n} MB', { n: figure(count / 1e6, count < 1e7 ? 1 : 0) })
}

/** What the studio sent, as a sentence. */
export function sentence(text: string): string {
  const one = told(text.trim())
  return one ? one[0]!.toUpperCase() + one.slice(1) + (/[.!?]$/.test(one) ? '' : '.') : ''
}
