/** What is said of one of several results of a picture. */
import type { Job, Task } from './types'
import { figure, reader, t, told } from './words.svelte'

/** When it was made, as a clock has it; with the day, where that was not today. */
export function clock(job: Job): string {
  const when = new Date(1000 * (job.ended || job.created))
  const today = when.toDateString() === new Date().toDateString()
  return when.toLocaleString(reader.language, today ? { hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
}

/** What is different from the one before, in the words of the form. */
export function changed(job: Job, before: Job | undefined, task: Task | undefined): string {
  if (!before) return told(task?.words ?? job.task)
  if (before.task !== job.task) return told(task?.words ?? job.task)
  const names = [...new Set([...Object.keys(before.settings), ...Object.keys(job.settings)])]
  const other = names.filter((name) => JSON.stringify(before.settings[name]) !== JSON.stringify(job.settings[name]))
  if (!other.length) return t('the same again')
  if (other.length === 1 && other[0] === 'seed') return t('another try')
  const level = (one: Job, name: string) => one.settings[name] ?? task?.form.properties[name]?.default
  if (other.length === 1 && ['sigma', 'strength', 'amount'].includes(other[0]!)) {
    const [now, was] = [level(job, other[0]!), level(before, other[0]!)]
    if (typeof now === 'number' && typeof was === 'number') return now > was === (other[0] !== 'amount') ? t('softer') : t('sharper')
  }
  return other
    .filter((name) => name !== 'seed')
    .map((name) => {
      const field = task?.form.properties[name]
      const value = job.settings[name] ?? field?.default
      const said = field?.role ? t('another one') : typeof value === 'boolean' ? (value ? t('yes') : t('no')) : value == null ? t('automatic') : typeof value === 'number' ? number(value, field?.unit) : told(field?.labels?.[String(value)] ?? String(value))
      return `${told(field?.title ?? name)}${t(':')} ${said}`
    })
    .join(', ')
}

/** As the form has it: in grey levels of 255 where those are meant. */
function number(value: number, unit: string | undefined): string {
  const said = unit === 'full scale' ? 255 * value : value
  return figure(said, Number.isInteger(+said.toFixed(2)) ? 0 : 2)
}
