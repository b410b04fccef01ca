/** Numbers in a person's words. */
export function time(seconds: number): string {
  if (seconds < 1) return 'a moment'
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  return `${(seconds / 3600).toFixed(1)} h`
}

/** "About 20 to 40 s left": coarse on purpose. */
export function left(range: [number, number | null]): string {
  const high = range[1]
  const low = high === null ? range[0] : Math.max(range[0], high / 3) // a wider range says nothing
  if (high === null) return `At least ${time(coarse(low))} left.`
  if (high < 4) return 'Only moments left.'
  const [a, b] = [coarse(low), coarse(high)]
  if (a === b) return `About ${time(b)} left.`
  const [x, y] = [time(a), time(b)]
  const unit = y.split(' ')[1]
  return `About ${x.endsWith(` ${unit}`) ? x.split(' ')[0] : x} to ${y} left.`
}

function coarse(seconds: number): number {
  const step = seconds < 20 ? 2 : seconds < 90 ? 5 : seconds < 600 ? 60 : seconds < 5400 ? 300 : 1800
  return Math.max(1, Math.round(seconds / step) * step)
}

export function megapixels(width: number, height: number): string {
  const mp = (width * height) / 1e6
  return mp >= 1 ? `${mp.toFixed(1)} megapixels` : `${width} x ${height} pixels`
}

export function bytes(count: number): string {
  return count < 1e6 ? `${Math.max(1, Math.round(count / 1e3))} kB` : `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`
}

export function sentence(text: string): string {
  const one = text.trim()
  return one ? one[0]!.toUpperCase() + one.slice(1) + (/[.!?]$/.test(one) ? '' : '.') : ''
}
