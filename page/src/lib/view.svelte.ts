/** Which part of a picture is seen, and how large. One for both pictures of a comparison and for the painter, so that they stay aligned. */
export type Place = [number, number]

const MOST = 16 // screen pixels of a picture's pixel
const STEP = 1.4

export class View {
  size = $state<Place>([1, 1]) // of the picture, in its own pixels
  room = $state<Place>([1, 1]) // of what it is seen through, in CSS pixels
  private zoomed = $state<number | null>(null) // CSS pixels of a picture's pixel; null: as the whole fits in
  private middle = $state<Place>([0.5, 0.5]) // of what is seen, as parts of the picture

  /** CSS pixels of a picture's pixel where all of it is seen. */
  whole = $derived(Math.max(0.001, Math.min(this.room[0] / this.size[0], this.room[1] / this.size[1])))
  fits = $derived(this.zoomed === null)
  scale = $derived(this.zoomed ?? this.whole)
  /** Where the picture's upper left corner is, from that of the room, in CSS pixels. */
  corner = $derived.by((): Place => {
    const at = (i: 0 | 1) => {
      const [long, room] = [this.size[i] * this.scale, this.room[i]]
      return long <= room ? (room - long) / 2 : Math.min(0, Math.max(room - long, room / 2 - this.middle[i] * long))
    }
    return [at(0), at(1)]
  })
  /** What of the room the picture covers: left, top, width, height, in CSS pixels. */
  frame = $derived.by((): [number, number, number, number] => {
    const side = (i: 0 | 1): Place => {
      const from = Math.max(0, Math.round(this.corner[i]))
      return [from, Math.max(1, Math.min(this.room[i], Math.round(this.corner[i] + this.size[i] * this.scale)) - from)]
    }
    const [x, y] = [side(0), side(1)]
    return [x[0], y[0], x[1], y[1]]
  })
  /** How much of the picture is seen, to each side. */
  part = $derived<Place>([Math.min(1, this.room[0] / (this.size[0] * this.scale)), Math.min(1, this.room[1] / (this.size[1] * this.scale))])
  percent = $derived(100 * this.scale * devicePixelRatio)

  /** Another picture's pixels for the same scene: what is seen of it stays. */
  of(size: Place): void {
    if (size[0] === this.size[0] && size[1] === this.size[1]) return
    if (this.zoomed !== null) this.zoomed *= this.size[0] / size[0]
    this.size = size
  }

  fit(): void {
    this.zoomed = null
    this.middle = [0.5, 0.5]
  }

  /** Every pixel of the picture on one of the screen. */
  exact(at?: Place): void {
    this.to(1 / devicePixelRatio, at)
  }

  /** Make it so large that `at`, a place in the room, stays where it is. */
  to(scale: number, at: Place = [this.room[0] / 2, this.room[1] / 2]): void {
    const low = Math.min(this.whole, 1 / devicePixelRatio)
    const high = Math.max(MOST / devicePixelRatio, this.whole)
    const next = Math.min(high, Math.max(low, scale))
    const there = this.picture(at)
    this.zoomed = Math.abs(next / this.whole - 1) < 0.005 ? null : next
    const moved = (i: 0 | 1) => (there[i] * next + this.room[i] / 2 - at[i]) / (this.size[i] * next)
    this.look([moved(0), moved(1)])
  }

  by(factor: number, at?: Place): void {
    this.to(this.scale * factor, at)
  }

  move(x: number, y: number): void {
    this.look([this.seen(0) - x / (this.size[0] * this.scale), this.seen(1) - y / (this.size[1] * this.scale)])
  }

  /** Bring that part of the picture into the middle. */
  look(at: Place): void {
    this.middle = at
    this.middle = [this.seen(0), this.seen(1)] // as far as it goes
  }

  /** The place in the picture's pixels that is seen there in the room. */
  picture(at: Place): Place {
    return [(at[0] - this.corner[0]) / this.scale, (at[1] - this.corner[1]) / this.scale]
  }

  private seen(i: 0 | 1): number {
    return (this.room[i] / 2 - this.corner[i]) / (this.size[i] * this.scale)
  }

  /** What a key does to it, and whether it does anything. */
  key(event: KeyboardEvent): boolean {
    const far = 60
    const go: Record<string, () => void> = {
      '+': () => this.by(STEP), '=': () => this.by(STEP), '-': () => this.by(1 / STEP), '0': () => this.fit(), '1': () => this.exact(),
    }
    const pan: Record<string, Place> = { ArrowLeft: [far, 0], ArrowRight: [-far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }
    const way = event.shiftKey && !this.fits ? pan[event.key] : undefined
    if (way) this.move(...way)
    else if (go[event.key]) go[event.key]!()
    else return false
    return true
  }
}

export const view = new View()

/**
 * Wheel, two fingers and, where `pans` says so, one finger or the mouse move and enlarge what is in the element. `alone` is told
 * when a second finger comes, so that what the first one began is not done.
 */
export function moves(pans: (event: PointerEvent) => boolean, alone: () => void = () => undefined) {
  return (node: HTMLElement) => {
    const fingers = new Map<number, Place>()
    let panning = false
    const at = (event: MouseEvent): Place => {
      const box = node.getBoundingClientRect()
      return [event.clientX - box.left, event.clientY - box.top]
    }
    const wheel = (event: WheelEvent) => {
      event.preventDefault()
      const far = event.deltaY * (event.deltaMode === 1 ? 16 : 1) * (event.ctrlKey ? 8 : 1) // a touchpad's pinch comes as small steps with ctrl
      view.by(Math.exp(-Math.max(-240, Math.min(240, far)) * 0.0018), at(event))
    }
    const down = (event: PointerEvent) => {
      fingers.set(event.pointerId, at(event))
      panning = fingers.size === 1 && pans(event)
      if (fingers.size === 2) alone()
      if (!panning && fingers.size < 2) return
      node.setPointerCapture(event.pointerId)
      event.stopPropagation()
    }
    const move = (event: PointerEvent) => {
      const before = fingers.get(event.pointerId)
      if (!before) return
      const now = at(event)
      if (fingers.size === 2) {
        const other = [...fingers].find(([id]) => id !== event.pointerId)![1]
        const apart = (one: Place) => Math.max(1, Math.hypot(one[0] - other[0], one[1] - other[1]))
        view.by(apart(now) / apart(before), [(before[0] + other[0]) / 2, (before[1] + other[1]) / 2])
        view.move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2)
      } else if (panning) view.move(now[0] - before[0], now[1] - before[1])
      fingers.set(event.pointerId, now)
      if (panning || fingers.size > 1) event.stopPropagation()
    }
    const up = (event: PointerEvent) => {
      fingers.delete(event.pointerId)
      panning = false
    }
    node.addEventListener('wheel', wheel, { passive: false })
    node.addEventListener('pointerdown', down, true)
    node.addEventListener('pointermove', move, true)
    for (const name of ['pointerup', 'pointercancel'] as const) node.addEventListener(name, up, true)
    return () => {
      node.removeEventListener('wheel', wheel)
      node.removeEventListener('pointerdown', down, true)
      node.removeEventListener('pointermove', move, true)
      for (const name of ['pointerup', 'pointercancel'] as const) node.removeEventListener(name, up, true)
    }
  }
}
