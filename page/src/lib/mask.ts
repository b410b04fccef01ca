/** A mask as what was done to it, in the picture's own pixels: it is drawn as large as it is needed, and nowhere kept as a whole. */
import { encodeMask } from './png'
import type { Place } from './view.svelte'
import { t } from './words.svelte'

export type Act =
  | { kind: 'stroke'; erase: boolean; size: number; places: Place[] }
  | { kind: 'rectangle'; erase: boolean; from: Place; to: Place }
  | { kind: 'invert' }
  | { kind: 'clear' }
  | { kind: 'load'; image: HTMLCanvasElement; added: boolean } // to what is there, or in its place

const COLOUR = '#f0a35a'
const BAND = 512 // rows that are drawn at once
const FEW = 1e6 // pixels in which it is measured how much is painted

/** Do one more thing to what is drawn. The pen is in the picture's pixels. */
export function paint(pen: CanvasRenderingContext2D, act: Act, [width, height]: Place): void {
  pen.fillStyle = pen.strokeStyle = COLOUR
  pen.globalCompositeOperation = 'erase' in act && act.erase ? 'destination-out' : 'source-over'
  if (act.kind === 'stroke') {
    pen.lineWidth = act.size
    pen.lineCap = pen.lineJoin = 'round'
    pen.beginPath()
    act.places.forEach(([x, y], i) => (i ? pen.lineTo(x, y) : pen.moveTo(x, y)))
    if (act.places.length === 1) pen.lineTo(act.places[0]![0] + 0.01, act.places[0]![1])
    pen.stroke()
  } else if (act.kind === 'rectangle') {
    const [x, y] = [Math.min(act.from[0], act.to[0]), Math.min(act.from[1], act.to[1])]
    pen.fillRect(Math.round(x), Math.round(y), Math.round(Math.abs(act.to[0] - act.from[0])), Math.round(Math.abs(act.to[1] - act.from[1])))
  } else if (act.kind === 'invert') {
    pen.globalCompositeOperation = 'xor'
    pen.fillRect(0, 0, width, height)
  } else if (act.kind === 'clear') {
    pen.clearRect(0, 0, width, height)
  } else {
    if (!act.added) pen.clearRect(0, 0, width, height)
    pen.drawImage(act.image, 0, 0)
  }
}

/** A canvas of that part of the mask, so many of its pixels to one of the picture's. */
export function drawn(acts: Act[], size: Place, from: Place, part: Place, scale = 1): CanvasRenderingContext2D {
  const sheet = document.createElement('canvas')
  sheet.width = Math.max(1, Math.round(part[0] * scale))
  sheet.height = Math.max(1, Math.round(part[1] * scale))
  const pen = sheet.getContext('2d', { willReadFrequently: true })!
  pen.setTransform(scale, 0, 0, scale, -from[0] * scale, -from[1] * scale)
  pen.imageSmoothingEnabled = false
  acts.forEach((act) => paint(pen, act, size))
  return pen
}

function alpha(pen: CanvasRenderingContext2D): ImageData['data'] {
  return pen.getImageData(0, 0, pen.canvas.width, pen.canvas.height).data
}

/** How much of it is painted, from 0 to 1: exact in pictures of up to a megapixel. */
export function share(acts: Act[], size: Place): number {
  if (!acts.length) return 0
  const data = alpha(drawn(acts, size, [0, 0], size, Math.min(1, Math.sqrt(FEW / (size[0] * size[1])))))
  let count = 0
  for (let i = 3; i < data.length; i += 4) if (data[i]! > 127) count++
  return (4 * count) / data.length
}

/** The mask as a PNG of one bit a pixel. */
export function file(acts: Act[], size: Place): Promise<Blob> {
  let top = -BAND
  let band: ImageData['data'] = new Uint8ClampedArray()
  return encodeMask((x, y) => {
    if (y >= top + BAND) {
      top = y
      band = alpha(drawn(acts, size, [0, top], [size[0], Math.min(BAND, size[1] - top)]))
    }
    return band[4 * ((y - top) * size[0] + x) + 3]! > 127
  }, ...size)
}

/** A mask from a file, white where it is to be filled; or dark and bright pixels of any picture, halfway apart. */
export async function loaded(blob: Blob, [width, height]: Place, added: boolean): Promise<Act> {
  const image = await createImageBitmap(blob)
  if (image.width !== width || image.height !== height)
    throw new Error(t('The mask is {w} x {h} pixels and the picture {width} x {height}: they must be of one size.', { w: image.width, h: image.height, width, height }))
  const sheet = document.createElement('canvas')
  sheet.width = width
  sheet.height = height
  const its = sheet.getContext('2d')!
  its.drawImage(image, 0, 0)
  image.close()
  const pixels = its.getImageData(0, 0, width, height)
  const colour = [240, 163, 90]
  for (let i = 0; i < pixels.data.length; i += 4) {
    const set = pixels.data[i + 3]! > 127 && pixels.data[i]! + pixels.data[i + 1]! + pixels.data[i + 2]! > 381
    for (let c = 0; c < 3; c++) pixels.data[i + c] = colour[c]!
    pixels.data[i + 3] = set ? 255 : 0
  }
  its.putImageData(pixels, 0, 0)
  return { kind: 'load', image: sheet, added }
}
