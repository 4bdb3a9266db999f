/** A file of an archive. Names are unique, at most 65,535 bytes long, and their folders are parted by `/`. */
export interface ZipEntry {
  readonly name: string
  readonly text: string
}

const LOCAL = 0x04034b50
const CENTRAL = 0x02014b50
const END = 0x06054b50
/** ZIP 2.0; bit 11 says that names are UTF-8. */
const VERSION = 20
const UTF8_NAMES = 1 << 11

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

/** The checksum of ZIP and gzip (ISO 3309). */
export function crc32(bytes: Uint8Array): number {
  let value = 0xffffffff
  for (const byte of bytes) value = (TABLE[(value ^ byte) & 0xff] ?? 0) ^ (value >>> 8)
  return (value ^ 0xffffffff) >>> 0
}

/** An archive of texts, stored as they are (PKWARE APPNOTE 4.3). Its time is that of `made`, in the viewer's zone. */
export function zipOf(entries: readonly ZipEntry[], made: Date): Blob {
  const encoder = new TextEncoder()
  const time = (made.getHours() << 11) | (made.getMinutes() << 5) | (made.getSeconds() >> 1)
  const date = ((made.getFullYear() - 1980) << 9) | ((made.getMonth() + 1) << 5) | made.getDate()
  const parts: Uint8Array<ArrayBuffer>[] = []
  const directory: Uint8Array<ArrayBuffer>[] = []
  let offset = 0
  let listed = 0
  for (const { name, text } of entries) {
    const named = encoder.encode(name)
    const data = encoder.encode(text)
    const checksum = crc32(data)
    // What a file's header and its entry of the directory have in common.
    const facts = (view: DataView, at: number) => {
      view.setUint16(at, VERSION, true)
      view.setUint16(at + 2, UTF8_NAMES, true)
      view.setUint16(at + 6, time, true)
      view.setUint16(at + 8, date, true)
      view.setUint32(at + 10, checksum, true)
      view.setUint32(at + 14, data.length, true)
      view.setUint32(at + 18, data.length, true)
      view.setUint16(at + 22, named.length, true)
    }
    const local = record(30, LOCAL, (view) => facts(view, 4))
    const entry = record(46, CENTRAL, (view) => {
      view.setUint16(4, VERSION, true)
      facts(view, 6)
      view.setUint32(42, offset, true)
    })
    parts.push(local, named, data)
    directory.push(entry, named)
    offset += local.length + named.length + data.length
    listed += entry.length + named.length
  }
  const end = record(22, END, (view) => {
    view.setUint16(8, entries.length, true)
    view.setUint16(10, entries.length, true)
    view.setUint32(12, listed, true)
    view.setUint32(16, offset, true)
  })
  return new Blob([...parts, ...directory, end], { type: 'application/zip' })
}

function record(length: number, signature: number, fill: (view: DataView) => void): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, signature, true)
  fill(view)
  return bytes
}
