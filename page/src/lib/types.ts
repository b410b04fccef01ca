/** What the server says: in messages.ts, which is made from the server's own types, and here the forms, which are JSON schema. */
import type { JobView, PictureView } from './messages'

export type { EngineView, Example, Numbers, Whole } from './messages'

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
  late: boolean // for the curious
  begin: Settings // what its settings are at first
  form: { properties: Record<string, Field> }
}

export type Job = JobView
export type Picture = PictureView
export type Point = JobView['points'][number]
export type Settings = Record<string, unknown>
