/** What the studio tells its pages, as (name, JSON). Opened anew, it begins with the whole state. */
export type Heard = { name: string; data: string }
export type Stream = { open: () => void; close: () => void }

const NAMES = ['state', 'engine', 'job', 'gone', 'picture']

export function stream(tell: (heard: Heard) => void): Stream {
  let source: EventSource | null = null

  function open(): void {
    source?.close()
    const one = (source = new EventSource('/api/events'))
    for (const name of NAMES) one.addEventListener(name, (event) => tell({ name, data: (event as MessageEvent<string>).data }))
    one.onerror = () => {
      tell({ name: 'lost', data: 'null' })
      if (one.readyState === EventSource.CLOSED) setTimeout(() => source === one && open(), 2000)
    }
  }

  function close(): void {
    source?.close()
    source = null
  }

  return { open, close }
}

/** One stream for all pages of a browser: it allows six connections to a server, and would leave the seventh page waiting. */
export function shared(tell: (heard: Heard) => void): Stream {
  if (!('SharedWorker' in window)) return stream(tell)
  const hub = new SharedWorker(new URL('./hub.ts', import.meta.url), { type: 'module', name: 'untaught' })
  hub.port.onmessage = (event: MessageEvent<Heard>) => tell(event.data)
  return { open: () => hub.port.postMessage('look'), close: () => hub.port.postMessage('leave') }
}
