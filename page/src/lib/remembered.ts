/** How thorough each task was the last time it was begun, on this browser. */
import type { Settings, Task } from './types'

const known = (): Record<string, unknown> => JSON.parse(localStorage.getItem('presets') ?? '{}')

/** The settings that a task begins with. */
export function begins(task: Task): Settings {
  const preset = known()[task.name]
  const field = task.form.properties.preset
  return { ...task.begin, ...(typeof preset === 'string' && preset !== field?.default && field?.enum?.includes(preset) ? { preset } : {}) }
}

export function remember(task: string, preset: unknown): void {
  localStorage.setItem('presets', JSON.stringify({ ...known(), [task]: preset }))
}
