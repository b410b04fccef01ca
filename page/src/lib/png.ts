/** A grey PNG of one bit a pixel: what a mask is sent as. */
export async function encodeMask(set: (x: number, y: number) => boolean, width: number, height: number): Promise<Blob> {
  const row = Math.ceil(width / 8) + 1 // a filter byte, 0, first
  const raw = new Uint8Array(row * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (set(x, y)) raw[y * row + 1 + (x >> 3)]! |= 0x80 >> (x & 7)
  }
  const packed = await new Response(new Blob([raw]).stream().pipeThrough(new CompressionStream('deflate'))).arrayBuffer()
  const header = new DataView(new ArrayBuffer(13))
  header.setUint32(0, width)
  header.setUint32(4, height)
  header.setUint8(8, 1) // bits; colour type 0 (grey) and the rest are 0
  const magic = new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10])
  return new Blob(
    [magic, chunk('IHDR', new Uint8Array(header.buffer)), chunk('IDAT', new Uint8Array(packed)), chunk('IEND', new Uint8Array())],
    { type: 'image/png' },
  )
}

function chunk(kind: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(12 + data.length)
  const view = new DataView(out.buffer)
  view.setUint32(0, data.length)
  out.set(new TextEncoder().encode(kind), 4)
  out.set(data, 8)
  view.setUint32(8 + data.length, crc(out.subarray(4, 8 + data.length)))
  return out
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c
})

function crc(data: Uint8Array): number {
  let c = 0xffffffff
  for (const byte of data) c = TABLE[(c ^ byte) & 255]! ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}
