/** Many photos at once: each with its own suggestion, and one button for all of them. */
import { call, words } from './api'
import { begins } from './remembered'
import { studio } from './studio.svelte'
import type { Job, Picture, Task } from './types'
import { t } from './words.svelte'

const PICTURES = /\.(png|jpe?g|jpe|jfif|tiff?|webp|npy|bmp|hei[cf]|avif)$/i
const MOST = 200

export interface Item {
  name: string
  file: File | null // until it is handed in
  picture: Picture | null
  task: string // "" until something is known
  job: string | null
  error: string
}

class Many {
  items = $state<Item[]>([])
  busy = $state(false)

  /** Those that need nothing but the photo. */
  get tasks(): Task[] {
    return studio.tasks.filter((one) => one.subject && !one.late && !Object.values(one.form.properties).some((f) => f.role === 'mask' || f.role === 'picture'))
  }

  job(item: Item): Job | null {
    return studio.jobs.find((j) => j.id === item.job) ?? null
  }

  get done(): Job[] {
    return this.items.map((one) => this.job(one)).filter((j): j is Job => j?.state === 'done')
  }

  get ready(): Item[] {
    return this.items.filter((one) => one.picture && !one.job)
  }

  /** From 0 to 1, of all that was begun; null where nothing was. */
  get progress(): number | null {
    const begun = this.items.filter((one) => one.job)
    if (!begun.length) return null
    const parts = begun.map((one) => {
      const job = this.job(one)
      return !job || ['done', 'failed', 'interrupted'].includes(job.state) ? 1 : (job.numbers?.progress ?? 0)
    })
    return parts.reduce((a, b) => a + b, 0) / begun.length
  }

  get going(): boolean {
    return this.items.some((one) => one.job && !['done', 'failed', 'interrupted', undefined].includes(this.job(one)?.state))
  }

  clear(): void {
    this.items = []
  }

  /** Hand them in, one after the other: what is not a picture is said on its card. */
  async take(files: File[]): Promise<void> {
    const pictures = files.filter((file) => PICTURES.test(file.name)).slice(0, MOST)
    const others = files.length - pictures.length
    studio.home()
    if (others) studio.error = t('{n} of {count} files were left out: they are no pictures that can be read, or more than {most}.', { n: others, count: files.length, most: MOST })
    this.items = pictures.map((file) => ({ name: file.name, file, picture: null, task: '', job: null, error: '' }))
    this.busy = true
    for (const item of this.items) {
      if (!this.items.includes(item)) break // another set was dropped meanwhile
      try {
        this.know(item, await studio.upload(item.file!, 'picture'))
      } catch (error) {
        item.error = words(error)
      }
      item.file = null
    }
    this.busy = false
  }

  private know(item: Item, picture: Picture): void {
    item.picture = picture
    const wish = picture.measured?.suggestion ?? ''
    const known = this.tasks.some((one) => one.name === wish)
    if (!item.task || (known && !item.job)) item.task = known ? wish : (this.tasks[0]?.name ?? '')
  }

  /** What was measured on one of them has come. */
  hear(picture: Picture): void {
    const item = this.items.find((one) => one.picture?.id === picture.id)
    if (item) this.know(item, picture)
  }

  async restore(): Promise<void> {
    for (const item of this.ready) {
      try {
        const task = studio.tasks.find((one) => one.name === item.task)
        const job = await call<Job>('POST', '/api/jobs', { task: item.task, picture: item.picture!.id, settings: task ? begins(task) : {} })
        if (!studio.jobs.some((j) => j.id === job.id)) studio.jobs.push(job)
        item.job = job.id
      } catch (error) {
        item.error = words(error)
      }
    }
  }

  async stop(): Promise<void> {
    for (const item of this.items) {
      const job = this.job(item)
      if (job && !['done', 'failed', 'interrupted'].includes(job.state)) {
        await studio.order(job, 'cancel')
        item.job = null
      }
    }
  }
}

export const many = new Many()

/** All files of a drop, those in folders too. */
export async function dropped(data: DataTransfer | null): Promise<File[]> {
  const entries = [...(data?.items ?? [])].map((item) => item.webkitGetAsEntry?.()).filter((one): one is FileSystemEntry => !!one)
  if (!entries.some((one) => one.isDirectory)) return [...(data?.files ?? [])]
  const found: File[] = []
  async function walk(entry: FileSystemEntry): Promise<void> {
    if (entry.isFile) found.push(await new Promise<File>((take, fail) => (entry as FileSystemFileEntry).file(take, fail)))
    else {
      const reader = (entry as FileSystemDirectoryEntry).createReader()
      for (;;) {
        const some = await new Promise<FileSystemEntry[]>((take, fail) => reader.readEntries(take, fail))
        if (!some.length) break
        for (const one of some) await walk(one)
      }
    }
  }
  for (const entry of entries) await walk(entry)
  return found.sort((a, b) => a.name.localeCompare(b.name))
}
