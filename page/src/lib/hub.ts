/** The worker that all pages of a browser share: it holds the stream while any of them is looked at. */
import { stream } from './stream'

const looking = new Set<MessagePort>()
const one = stream((heard) => looking.forEach((page) => page.postMessage(heard)))

addEventListener('connect', (event) => {
  const page = (event as MessageEvent).ports[0]!
  page.onmessage = ({ data }: MessageEvent<'look' | 'leave'>) => {
    if (data === 'look') {
      looking.add(page)
      one.open() // anew, since who comes needs the whole state
    } else {
      looking.delete(page)
      if (!looking.size) one.close()
    }
  }
})
