/** A picture as the eye is shown it: the whole of it, small; and where that is not sharp enough its true pixels, in tiles. */
import type { Place } from './view.svelte'

const SIDE = 512 // of a tile, as the server cuts them
const DEEPEST = 3
const KEPT = 128 // tiles of all sheets, a megabyte each: what the page holds of pictures is bounded

const tiles = new Map<string, ImageBitmap | null>() // the last used last; null: on its way, or there is none

async function load(url: string): Promise<ImageBitmap> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`)
  return createImageBitmap(await answer.blob())
}

export class Sheet {
  private bitmap: ImageBitmap | null = null

  /** whole: where the small one is. tiles: under which address its parts are, level/column/row; null: there are none. size: in full. */
  constructor(readonly whole: string, readonly tiles: string | null, readonly size: Place) {}

  async ready(): Promise<void> {
    this.bitmap ??= await load(this.whole)
  }

  close(): void {
    this.bitmap?.close()
    this.bitmap = null
  }

  /** Draw it with its corner there, every pixel of it so large, in pixels of the canvas. `more` is called when a tile has come. */
  draw(pen: CanvasRenderingContext2D, corner: Place, scale: Place, sharp: boolean, more: () => void): void {
    if (!this.bitmap) return
    const [width, height] = this.size
    const { width: w, height: h } = pen.canvas
    pen.imageSmoothingEnabled = !sharp
    pen.imageSmoothingQuality = 'high'
    // Of a large picture only what is seen is enlarged.
    const cut = (at: number, each: number, long: number, room: number) => [Math.max(0, Math.floor(-at / each)), Math.min(long, Math.ceil((room - at) / each))] as const
    const [left, right] = cut(corner[0], scale[0], width, w)
    const [top, bottom] = cut(corner[1], scale[1], height, h)
    if (right <= left || bottom <= top) return
    const [fx, fy] = [this.bitmap.width / width, this.bitmap.height / height]
    pen.drawImage(
      this.bitmap, left * fx, top * fy, (right - left) * fx, (bottom - top) * fy,
      corner[0] + left * scale[0], corner[1] + top * scale[1], (right - left) * scale[0], (bottom - top) * scale[1],
    )
    if (!this.tiles || scale[0] < Math.min(0.99, 1.05 * fx)) return
    const wanted = Math.min(DEEPEST, Math.max(0, Math.floor(Math.log2(1 / scale[0]) + 0.01)))
    for (let level = DEEPEST; level >= wanted; level--) {
      const side = SIDE << level
      for (let row = Math.floor(top / side); row * side < bottom; row++) {
        for (let column = Math.floor(left / side); column * side < right; column++) {
          const tile = this.tile(`${this.tiles}/${level}/${column}/${row}.png`, level === wanted, more)
          if (!tile) continue
          const [x, y] = [Math.round(corner[0] + column * side * scale[0]), Math.round(corner[1] + row * side * scale[1])]
          const [x1, y1] = [Math.min(width, (column + 1) * side), Math.min(height, (row + 1) * side)]
          pen.drawImage(tile, x, y, Math.round(corner[0] + x1 * scale[0]) - x, Math.round(corner[1] + y1 * scale[1]) - y)
        }
      }
    }
  }

  private tile(url: string, fetched: boolean, more: () => void): ImageBitmap | null {
    const known = tiles.get(url)
    if (known !== undefined) {
      if (known) {
        tiles.delete(url)
        tiles.set(url, known)
      }
      return known
    }
    if (!fetched) return null
    tiles.set(url, null)
    load(url).then(
      (tile) => {
        tiles.set(url, tile)
        for (const [old, one] of tiles) {
          if (tiles.size <= KEPT) break
          if (one) one.close()
          tiles.delete(old)
        }
        more()
      },
      () => undefined, // none is kept of it: the small one has to do
    )
    return null
  }
}
