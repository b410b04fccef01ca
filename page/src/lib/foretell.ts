/** What is known of the job that is chosen before it is begun: how long it would take on this computer, or why it would be refused. */
import { call } from './api'
import { means } from './forms'
import type { Prospect } from './messages'
import type { Studio } from './studio.svelte'
import { t, told } from './words.svelte'

const SOON = 10 // seconds in which a part is to be seen
const LEAST = 128 // pixels of a square's result that shows what is done to it

/** Whatever of a job decides how long it takes and whether it is refused, but for the preset: all of them are asked. */
export function deciding(of: Studio): string {
  return JSON.stringify([of.picture?.id, of.task, { ...of.settings, preset: null, strength: null, amount: null }])
}

/** Why the job that is chosen would be refused; "" where it would not be, as far as is known. */
export function refusal(of: Studio): string {
  const roles = Object.entries(of.form?.form.properties ?? {}).filter(([, f]) => f.role)
  const guides = roles.filter(([, f]) => f.role === 'picture')
  if (guides.length && !guides.some(([name]) => of.settings[name]))
    return t('The second picture is missing: add "{name}".', { name: told(guides[0]![1].title ?? guides[0]![0]) })
  if (roles.some(([, f]) => f.role === 'mask')) {
    if (of.painted === 0 && !of.settings.mask && !of.settings.mask_colour) return t('Nothing is painted yet: paint over what is broken, then restore.')
    if (of.painted === 1) return t('All of it is painted: erase what is not broken, then restore.')
  }
  return of.refused.deciding === deciding(of) ? (of.refused.by[of.preset] ?? '') : ''
}

/** By every preset, the chosen one first; on the square, too, which becomes smaller where that would take too long. */
export async function foretell(of: Studio): Promise<void> {
  const [picture, form, settings] = [of.picture, of.form, of.settings]
  of.seconds = {}
  of.partSeconds = {}
  of.refused = { deciding: deciding(of), by: {} }
  const asked = (of.asked = Symbol())
  of.timing = !!picture && !!form?.subject
  if (!form || (form.subject && !picture)) return
  const field = form.form.properties.preset
  const painted = !!of.painted // and then no other mask is taken
  const own = Object.fromEntries(Object.entries(settings).filter(([n]) => n !== 'preset' && !(painted && n === 'mask') && means(form, n, settings)))
  const ask = async (into: Record<string, number>, preset: string, more: { side?: number } = {}) => {
    const wanted = preset && preset !== field?.default ? { ...own, preset } : own
    const told = await call<Prospect>('POST', '/api/seconds', { task: form.name, picture: form.subject ? picture!.id : null, settings: wanted, ...more }).catch(() => null)
    if (of.asked !== asked || !told) return
    if (told.seconds !== null) into[preset] = told.seconds
    if (told.refusal && !more.side) of.refused.by[preset] = told.refusal
  }
  const least = LEAST / Math.max(1, Number(settings.factor) || 1) // of an enlargement
  const rest = new Set(field?.enum ?? [''])
  while (rest.size && of.asked === asked) {
    const preset = rest.has(of.preset) ? of.preset : [...rest][0]! // another may be chosen meanwhile
    rest.delete(preset)
    if (of.part && of.parts) await ask(of.partSeconds, preset, { side: of.partSide })
    if (of.part && of.asked === asked && preset === of.preset && of.partSeconds[preset]! > SOON && of.partSide >= 2 * least) {
      const before = of.partSide
      of.side = Math.max(least, 2 ** Math.floor(Math.log2(before - 1)))
      const aside = (before - of.partSide) / 2
      of.movePart([of.part[0] + aside, of.part[1] + aside])
      return foretell(of)
    }
    await ask(of.seconds, preset)
  }
  if (of.asked === asked) of.timing = false
}
