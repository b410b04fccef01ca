import type { Settings, Task } from './types'

/** Whether a setting means something beside the others: the light that makes white does only where light was counted. */
export function means(task: Task, name: string, settings: Settings): boolean {
  const fields = task.form.properties
  return Object.entries(fields[name]?.only ?? {}).every(
    ([other, among]) => !fields[other] || among.includes(settings[other] ?? fields[other].default),
  )
}
