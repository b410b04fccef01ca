/** How long the job that is chosen would take on this computer. */
import { call } from './api'
import { means } from './forms'
import type { Studio } from './studio.svelte'

const SOON = 10 // seconds in which a part is to be seen

/** By every preset, the chosen one first; on the square, too, which becomes smaller where that would take too long. */
export async function foretell(of: Studio): Promise<void> {
  const [picture, form, settings] = [of.picture, of.form, of.settings]
  of.seconds = {}
  of.partSeconds = {}
  const asked = (of.asked = Symbol())
  of.timing = !!picture && !!form?.subject
  if (!picture || !form?.subject) return
  const field = form.form.properties.preset
  const own = Object.fromEntries(Object.entries(settings).filter(([n]) => n !== 'preset' && means(form, n, settings)))
  const ask = async (into: Record<string, number>, preset: string, more: { side?: number } = {}) => {
    const wanted = preset && preset !== field?.default ? { ...own, preset } : own
    const told = await call<{ seconds: number | null }>('POST', '/api/seconds', { task: form.name, picture: picture.id, settings: wanted, ...more }).catch(() => null)
    if (of.asked === asked && told && told.seconds !== null) into[preset] = told.seconds
  }
  const rest = new Set(field?.enum ?? [''])
  while (rest.size && of.asked === asked) {
    const preset = rest.has(of.preset) ? of.preset : [...rest][0]! // another may be chosen meanwhile
    rest.delete(preset)
    if (of.part && of.parts) await ask(of.partSeconds, preset, { side: of.partSide })
    if (of.part && of.asked === asked && preset === of.preset && of.partSeconds[preset]! > SOON && of.side === 512) {
      const before = of.partSide
      of.side = 256
      const aside = (before - of.partSide) / 2
      of.movePart([of.part[0] + aside, of.part[1] + aside])
      return foretell(of)
    }
    await ask(of.seconds, preset)
  }
  if (of.asked === asked) of.timing = false
}
