/** What the server says; see src/untaught/studio. */
export interface Field {
  title?: string
  description?: string
  default?: unknown
  type?: string
  enum?: string[]
  choices?: Record<string, string>
  labels?: Record<string, string>
  only?: Record<string, unknown[]>
  anyOf?: Field[]
  minimum?: number
  maximum?: number
  exclusiveMinimum?: number
  unit?: string
  role?: 'picture' | 'mask' | 'data' | 'file'
}

export interface Task {
  name: string
  words: string
  doing: string
  about: string
  subject: string | null
  form: { properties: Record<string, Field> }
}

export interface Example {
  name: string
  words: string
  task: string
}

export interface Picture {
  id: string
  name: string
  role: string
  about: {
    width: number
    height: number
    channels: number
    depth: string
    format: string
    stretched: boolean
    notes: string[]
  }
  measured: { found: string[]; suggestion: string | null; sigma: number | null; trouble?: string } | null
  wish: string | null
  mask: string | null
}

export interface Moment {
  n: number
  step: number
  whole: boolean
}

export interface Job {
  id: string
  task: string
  picture: string | null
  name: string
  settings: Record<string, unknown>
  state: 'waiting' | 'preparing' | 'running' | 'paused' | 'stopping' | 'cancelling' | 'finishing' | 'done' | 'failed' | 'interrupted'
  message: string
  reason: string
  notes: string[]
  numbers: {
    step?: number
    energy?: number | null
    score?: number | null
    progress?: number | null
    left?: [number, number | null] | null
    stops?: number | null
    stage?: number
    stages?: number
    seconds?: number
    best?: number
    stopped?: boolean
  }
  moments: Moment[]
  result: { n: number; width: number; height: number; depth: string; again: string[] } | null
  /** {} while it is judged. */
  verdict: { kind?: string; sentence?: string } | null
  /** What it would cost to ask where the result is unsure, or why it cannot be told. */
  ask: { runs: number; seconds: number; why?: string } | null
  /** The job about whose result this one asks that; its answer is the map. */
  of: string | null
  map: Uncertain | null
  saved: number | null
  created: number
  points?: Point[]
}

/** How a map is read: standard deviations, in the units of the result. */
export interface Uncertain {
  high: number
  full: number | null
  colours: string[]
  middle: number
  most: number
  runs: number
  held: boolean
  note: string
}

export type Point = [number, number | null, number | null]
export type Settings = Record<string, unknown>
