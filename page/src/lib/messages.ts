/** Made by page/typescript.py from src/untaught/studio/messages.py: change it there. */
/** All that a page that has just come needs to know. */
export interface Whole {
  engine: EngineView
  jobs: JobView[]
}

/** message: why it is broken. */
export interface EngineView {
  state: 'starting' | 'ready' | 'broken'
  devices: string[]
  threads: number | null
  message: string
}

/** A job. of: the one about whose result this one asks where it is unsure; its answer is the map. judging: its report is being made. points: of its curve, those that are new to the page. */
export interface JobView {
  id: string
  task: string
  picture: string | null
  name: string
  settings: Record<string, unknown>
  state: 'waiting' | 'preparing' | 'running' | 'paused' | 'stopping' | 'cancelling' | 'finishing' | 'done' | 'failed' | 'interrupted'
  created: number
  message: string
  reason: string
  notes: string[]
  numbers: Numbers | null
  moments: KeptMoment[]
  result: ResultAbout | null
  judging: boolean
  verdict: Judgement | null
  ask: AskCost | null
  of: string | null
  map: MapLegend | null
  saved: number | null
  opaque: boolean
  ended: number
  bytes: number
  points: [number, number | null, number | null][]
}

/** How far a run is. left: seconds, at least and at most. stops: the earliest step. best: of the result, when it is done. */
export interface Numbers {
  step: number
  energy: number | null
  score: number | null
  progress: number | null
  left: [number, number | null] | null
  stops: number | null
  stage: number
  stages: number
  seconds: number
  best: number | null
  stopped: boolean
}

/** A picture on the way. whole: it is kept in full depth, too. */
export interface KeptMoment {
  n: number
  step: number
  whole: boolean
}

/** The result. n: the number of its picture. again: the words for what another go may change. mixes: whether less of it can be taken, since it has the size and the type of the picture. draws: whether another seed gives another one. */
export interface ResultAbout {
  n: number
  width: number
  height: number
  depth: string
  again: string[]
  mixes: boolean
  draws: boolean
}

/** What the report says of a result: the verdict's kind, its sentence, and the names of its reasons; "" where nothing was restored. */
export interface Judgement {
  kind: string
  sentence: string
  reasons: string[]
}

/** What it would cost to ask where the result is unsure; why: it cannot be told, in a sentence. */
export interface AskCost {
  runs: number
  seconds: number
  why: string
}

/** How a map is read: standard deviations, in the units of the result. */
export interface MapLegend {
  high: number
  full: number | null
  colours: string[]
  middle: number
  most: number
  runs: number
  held: boolean
  note: string
}

/** A job that was removed. */
export interface JobGone {
  id: string
}

/** An upload. wish: the task that an example is for; mask: the id of the mask that comes with it; part: the id of the picture of which this is a part. */
export interface PictureView {
  id: string
  name: string
  role: string
  about: PictureAbout
  measured: Measurement | null
  wish: string | null
  mask: string | null
  part: string | null
}

/** What the desk says of an upload. shown: the values that are shown as black and as white. */
export interface PictureAbout {
  width: number
  height: number
  channels: number
  depth: string
  format: string
  sha256: string | null
  stretched: boolean
  notes: string[]
  shown: [number, number] | null
}

/** What was measured on a picture, in sentences. suggestion: a task. sigma: of full scale, where it is one number. */
export interface Measurement {
  found: string[]
  suggestion: string | null
  sigma: number | null
}

/** A picture to try it with. task: what it is for. */
export interface Example {
  name: string
  words: string
  task: string
}

/** What is known of a job before it is begun. seconds: that it would take; None where nobody knows. refusal: the sentence with which the engine would refuse it. */
export interface Prospect {
  seconds: number | null
  refusal: string | null
}
