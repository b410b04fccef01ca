/** What the page knows, and what it can ask for. One stream brings what changes, while somebody looks. */
import { call, enter, words } from './api'
import { foretell, refusal } from './foretell'
import { means } from './forms'
import { begins, remember } from './remembered'
import { shared, type Heard, type Stream } from './stream'
import type { EngineView, Example, Job, Picture, Point, Settings, Task, Whole } from './types'
import { t } from './words.svelte'

const CURVE = 600

export class Studio {
  engine = $state<EngineView>({ state: 'starting', devices: ['auto', 'cpu'], threads: null, message: '' })
  tasks = $state<Task[]>([])
  examples = $state<Example[]>([])
  limit = $state(50)
  keeps = $state({ days: 30, bytes: 2e9 }) // how long results are kept, and how many bytes of them
  private most = Infinity // bytes of an upload
  picture = $state<Picture | null>(null)
  coming = $state<string | null>(null) // the address of one that is being handed in
  task = $state('')
  chosen = false // whether a person has chosen the task, which a measurement then leaves alone
  settings = $state<Settings>({})
  jobs = $state<Job[]>([])
  curves = $state<Record<string, Point[]>>({})
  shown = $state<string | null>(null)
  against = $state<string | null>(null) // the job whose result takes the place of the original in a comparison
  part = $state<[number, number] | null>(null) // the corner of the square on which it is tried first
  side = $state(512) // of the square, in pixels, where the picture is that large; halved where that takes too long
  unsure = $state(false) // whether the map of that lies over the result, where there is one
  error = $state('')
  busy = $state('')
  ready = $state(false)
  connected = $state(true)
  seconds = $state<Record<string, number>>({}) // what the job that is chosen would take, by preset
  partSeconds = $state<Record<string, number>>({}) // and on the square on which it is tried first
  timing = $state(false) // whether that is being found out
  refused = $state<{ deciding: string; by: Record<string, string> }>({ deciding: '', by: {} }) // why it would be refused, by preset
  painted = $state<number | null>(null) // how much of the picture is, from 0 to 1, while the painter is open
  asked = Symbol() // of the last time that this was asked for
  private amounts = $state<Record<string, [number, number]>>({}) // of each result: of its brightness, and of its colours
  /** Given by the painter while it is open: the mask as a file, or null where nothing is painted. */
  mask: (() => Promise<Blob | null>) | null = null
  onPicture: (picture: Picture) => void = () => undefined // what was measured on any of them
  private heard = new Map<string, Picture>() // what was told of pictures, perhaps before the answer to their upload
  private stream: Stream | null = null

  get job(): Job | null {
    return this.jobs.find((j) => j.id === this.shown) ?? null
  }

  /** How thorough: what is chosen, or what the task begins with. */
  get preset(): string {
    return String(this.settings.preset ?? this.form?.form.properties.preset?.default ?? '')
  }

  get form(): Task | null {
    return this.tasks.find((one) => one.name === this.task) ?? null
  }

  async start(): Promise<void> {
    const place = location.hash
    try {
      await enter()
      const told = await call<{ tasks: Task[]; examples: Example[]; limit: number; bytes: number; keeps: Studio['keeps'] }>('GET', '/api/tasks')
      this.tasks = told.tasks
      this.examples = told.examples
      this.limit = told.limit
      this.most = told.bytes
      this.keeps = told.keeps
      await this.goBack(place)
    } catch (error) {
      this.error = words(error)
      return
    }
    this.ready = true
    this.stream = shared((heard) => this.hear(heard))
    this.stream.open()
    document.addEventListener('visibilitychange', () => (document.hidden ? this.stream?.close() : this.stream?.open()))
    addEventListener('pagehide', () => this.stream?.close())
  }

  /** After a reload: what was on the screen before. */
  private async goBack(place: string): Promise<void> {
    const found = /^#(job|picture)=([\w-]+)$/.exec(place)
    if (!found) return
    if (found[1] === 'job') this.shown = found[2]!
    else await call<Picture>('GET', `/api/pictures/${found[2]}`).then(
      (p) => this.take(p),
      () => this.home(),
    )
  }

  private hear({ name, data }: Heard): void {
    const told = JSON.parse(data)
    if (name === 'state') this.begin(told)
    else if (name === 'engine') this.engine = told
    else if (name === 'job') this.grow(told)
    else if (name === 'gone') {
      this.jobs = this.jobs.filter((j) => j.id !== told.id)
      if (this.shown === told.id) this.show(null)
    } else if (name === 'picture') {
      this.heard.set(told.id, told)
      if (this.picture?.id === told.id && !this.picture?.measured) this.take(told)
      this.onPicture(told)
    } else this.connected = false
  }

  private begin(all: Whole): void {
    this.connected = true
    this.engine = all.engine
    this.curves = Object.fromEntries(all.jobs.map((j) => [j.id, j.points]))
    this.jobs = all.jobs
    if (this.shown && !this.job) this.home()
    else void this.showPicture()
  }

  private grow(job: Job): void {
    let curve = [...(this.curves[job.id] ?? []), ...job.points]
    if (curve.length > CURVE) curve = curve.filter((_, i) => i % 2 === 0 || i === curve.length - 1)
    this.curves[job.id] = curve
    const at = this.jobs.findIndex((j) => j.id === job.id)
    if (at < 0) this.jobs.push(job)
    else this.jobs[at] = job
  }

  /** The job that asks where the result of this one is unsure. */
  question(job: Job): Job | null {
    return this.jobs.find((j) => j.of === job.id) ?? null
  }

  /** All that was made of the picture of a job, the oldest first. */
  versions(job: Job): Job[] {
    const all = this.jobs.filter((j) => j.picture === job.picture && j.picture && j.state === 'done' && !j.of && j.result)
    return all.sort((a, b) => a.created - b.created)
  }

  /** Pixels of the square on which it is tried first. */
  get partSide(): number {
    return Math.min(this.side, this.picture?.about.width ?? 512, this.picture?.about.height ?? 512)
  }

  /** Lay the square over the middle. */
  openPart(): void {
    this.side = 512
    this.movePart([(this.picture!.about.width - this.partSide) / 2, (this.picture!.about.height - this.partSide) / 2])
  }

  /** Whether a part says something about the whole, and is much smaller: nothing is painted, nothing else is handed in, and the file itself, as a JPEG, has nothing more to say. */
  get parts(): boolean {
    const fields = Object.values(this.form?.form.properties ?? {})
    const about = this.picture?.about
    return !!about && about.width * about.height > 4 * Math.min(512, about.width, about.height) ** 2 && !!this.form?.subject && this.task !== 'dejpeg' && !(this.task === 'deblur' && about.format === 'JPEG') && !fields.some((f) => f.role === 'mask' || f.role === 'picture')
  }

  /** Move the square, as far as the picture goes. */
  movePart(at: [number, number]): void {
    const most = [this.picture!.about.width - this.partSide, this.picture!.about.height - this.partSide]
    this.part = [Math.min(most[0]!, Math.max(0, at[0])), Math.min(most[1]!, Math.max(0, at[1]))]
  }

  /** Try it on the square, with the settings of the whole, to which one goes back from the result. */
  async tryPart(): Promise<void> {
    const whole = this.picture
    if (!whole || !this.part) return
    const [left, top] = this.part.map(Math.round)
    const [task, settings] = [this.task, this.settings]
    const cut = await this.doing(t('Cutting it out'), () => call<Picture>('POST', `/api/pictures/${whole.id}/part`, { left, top, side: this.partSide }))
    if (!cut) return
    this.part = null
    const job = await this.doing(t('Starting'), () => call<Job>('POST', '/api/jobs', { task, picture: cut.id, settings }))
    if (job) this.arrived(job)
  }

  /** From the result of a part to the whole picture, with the settings that the part had. */
  async wholeOf(job: Job): Promise<void> {
    const whole = await this.doing('', () => call<Picture>('GET', `/api/pictures/${this.picture!.part}`))
    if (!whole) return
    this.shown = null
    this.picture = whole
    this.task = job.task
    this.chosen = true
    this.settings = { ...job.settings }
    await this.restore()
  }

  /** How much of a result is taken, of its brightness and of its colours, from 0 to 1. */
  amount(job: Job | null): [number, number] {
    return (job && this.amounts[job.id]) || [1, 1]
  }

  takeAmount(job: Job, amount: [number, number]): void {
    this.amounts[job.id] = amount
  }

  async ask(job: Job): Promise<void> {
    this.unsure = true
    await this.doing('', () => call('POST', `/api/jobs/${job.id}/unsure`))
  }

  /** Show a job, or with null go back to its picture and the choice of a task. against: what it is compared with stays. */
  show(id: string | null, against = false): void {
    this.shown = this.jobs.find((j) => j.id === id)?.of ?? id
    if (!against || this.against === this.shown) this.against = null
    this.unsure = false
    this.error = ''
    void this.showPicture()
    this.remember()
  }

  private async showPicture(): Promise<void> {
    const job = this.job
    if (!job?.picture || this.picture?.id === job.picture) return
    try {
      this.picture = await call<Picture>('GET', `/api/pictures/${job.picture}`)
      this.task = job.task
      this.settings = { ...job.settings }
    } catch {
      this.picture = null
    }
  }

  home(): void {
    this.picture = null
    this.part = null
    this.shown = null
    this.task = ''
    this.chosen = false
    this.settings = {}
    this.error = ''
    this.remember()
  }

  private remember(): void {
    const place = this.shown ? `#job=${this.shown}` : this.picture ? `#picture=${this.picture.id}` : location.pathname
    history.replaceState(null, '', place)
  }

  private take(picture: Picture): void {
    const fresh = this.picture?.id !== picture.id
    this.picture = picture
    if (fresh) {
      this.chosen = false
      this.part = null
      this.seconds = {} // were another picture's
    }
    // One button always gives a picture: until something is known of it, and where nothing is found, it is cleaned.
    const wish = picture.measured?.suggestion ?? picture.wish ?? this.tasks.find((one) => one.subject)?.name ?? ''
    if (fresh || (!this.chosen && this.task !== wish)) this.beginWith(wish)
    this.remember()
  }

  choose(task: string): void {
    this.chosen = true // the one that is there, too: what is measured meanwhile may not take it away
    if (task === this.task) return
    this.beginWith(task)
    this.error = ''
  }

  private beginWith(task: string): void {
    this.task = task
    this.settings = this.form ? begins(this.form) : {}
  }

  /** Why the job that is chosen would be refused, "" where it would not be. */
  get refusal(): string {
    return refusal(this)
  }

  /** Ask what the job that is chosen would take on this computer, by every preset: by the chosen one first. */
  foretell(): Promise<void> {
    return foretell(this)
  }

  private async doing<T>(what: string, work: () => Promise<T>): Promise<T | null> {
    this.error = ''
    this.busy = what
    try {
      return await work()
    } catch (error) {
      this.error = words(error)
      return null
    } finally {
      this.busy = ''
    }
  }

  /** A file that was dropped, chosen or pasted. */
  async open(file: File): Promise<void> {
    if (file.name.toLowerCase().endsWith('.toml')) return this.openRecipe(file)
    // What a browser can show by itself is seen at once, and not when it has been read here.
    const seen = /^image\/(png|jpeg|webp|avif|bmp)$/.test(file.type) ? URL.createObjectURL(file) : null
    this.coming = seen
    const picture = await this.doing(t('Reading {name}', { name: file.name }), () => this.upload(file, 'picture'))
    if (this.coming === seen) this.coming = null
    if (seen) URL.revokeObjectURL(seen)
    if (picture) {
      this.shown = null
      this.take(picture)
    }
  }

  async upload(file: Blob, role: string, name = file instanceof File ? file.name : 'mask.png'): Promise<Picture> {
    // Refused here, since a browser that is still sending does not hear the answer.
    if (file.size > this.most)
      throw new Error(
        t('{name} has {n} MB, and at most {most} MB are taken: start the studio again with --max-megapixels {limit}, or cut out a part of it.', { name, n: Math.ceil(file.size / 1e6), most: Math.floor(this.most / 1e6), limit: 2 * this.limit }),
      )
    const answer = await call<Picture>('POST', `/api/pictures?role=${role}`, file.slice(), { 'x-file-name': encodeURIComponent(name) })
    return this.heard.get(answer.id) ?? answer
  }

  private async openRecipe(file: File): Promise<void> {
    await this.doing(t('Reading the recipe'), async () => {
      const found = await call<{ task: string; settings: Settings }>('POST', '/api/recipes', file.slice())
      if (!this.picture) throw new Error(t('The recipe was read, but there is no picture yet: add the picture first.'))
      this.shown = null
      this.choose(found.task)
      this.settings = found.settings
    })
  }

  async example(name: string): Promise<void> {
    const picture = await this.doing(t('Making the example'), () => call<Picture>('POST', `/api/examples/${name}`))
    if (picture) this.take(this.heard.get(picture.id) ?? picture)
  }

  async restore(): Promise<void> {
    const form = this.form
    if (!form || this.busy) return
    if (this.refusal) {
      this.error = this.refusal
      return
    }
    const job = await this.doing(t('Starting'), async () => {
      const settings: Settings = Object.fromEntries(Object.entries(this.settings).filter(([n]) => means(form, n, this.settings)))
      const painted = await this.mask?.()
      if (painted) settings.mask = (await this.upload(painted, 'mask')).id
      return call<Job>('POST', '/api/jobs', { task: form.name, picture: form.subject ? this.picture?.id : null, settings })
    })
    if (!job) return
    remember(form.name, this.settings.preset)
    if (job.settings.mask) this.settings = { ...this.settings, mask: job.settings.mask } // to be painted on, when one comes back
    this.arrived(job)
  }

  private arrived(job: Job): void {
    if (!this.jobs.some((j) => j.id === job.id)) this.jobs.push(job)
    this.show(job.id)
  }

  async order(job: Job, what: 'pause' | 'resume' | 'stop' | 'cancel'): Promise<void> {
    await this.doing('', () => call('POST', `/api/jobs/${job.id}/${what}`))
  }

  async again(job: Job, how: string): Promise<void> {
    const next = await this.doing('', () => call<Job>('POST', `/api/jobs/${job.id}/again/${how}`))
    if (next) this.arrived(next)
  }

  /** Take a result as the next picture: what is left of one fault, or another one, is then restored in it. */
  async goOn(job: Job): Promise<void> {
    const [brightness, colour] = this.amount(job)
    const ending = job.result?.depth.includes('float') ? 'tif' : 'png'
    const name = `${job.name.replace(/\.[^.]*$/, '')}.${ending}`
    const picture = await this.doing(t('Reading {name}', { name }), async () => {
      const answer = await fetch(`/api/jobs/${job.id}/result.${ending}${job.result?.mixes ? `?brightness=${brightness}&colour=${colour}` : ''}`)
      if (!answer.ok) throw new Error(t('The studio answered {n}.', { n: answer.status }))
      return this.upload(await answer.blob(), 'picture', name)
    })
    if (!picture) return
    this.shown = null
    this.take(picture)
  }

  /** Whether a download can be had; why not is said. */
  async offers(href: string): Promise<boolean> {
    return (await this.doing(t('Writing the file'), () => call('GET', href, undefined, { range: 'bytes=0-0' }))) !== null
  }

  async remove(job: Job): Promise<void> {
    await this.doing('', () => call('DELETE', `/api/jobs/${job.id}`))
  }

  propose(kind: string): Promise<Picture | null> {
    return this.doing(t('Looking for damage'), () => call<Picture>('POST', `/api/pictures/${this.picture!.id}/propose/${kind}`))
  }
}

export const studio = new Studio()
