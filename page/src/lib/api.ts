/** Requests to our own server; every refusal is an Error whose message can be shown as it stands. */
import { t } from './words.svelte'
export async function call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const raw = body instanceof Blob
  let answer: Response
  try {
    answer = await fetch(path, {
      method,
      body: body === undefined ? null : raw ? body : JSON.stringify(body),
      headers: raw || body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    })
  } catch {
    throw new Error(t('The studio does not answer. Is it still running in its terminal?'))
  }
  const said = (await answer.json().catch(() => ({}))) as { message?: string }
  if (!answer.ok) throw new Error(said.message ?? t('The studio answered {n}.', { n: answer.status }))
  return said as T
}

/** Exchange the key in the address for a cookie, and take it out of the address. */
export async function enter(): Promise<void> {
  const found = /^#t=([\w-]+)$/.exec(location.hash)
  if (!found) return
  history.replaceState(null, '', location.pathname)
  await call('POST', '/api/enter', { token: found[1] })
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
