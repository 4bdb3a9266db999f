import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { crc32, deflateRaw } from 'node:zlib'

import tar from 'tar-stream'

const deflate = promisify(deflateRaw)

interface Stored {
  readonly name: Buffer
  readonly crc: number
  readonly size: number
  readonly compressed: Buffer
  readonly attributes: number
  readonly offset: number
}

/** Turns a stored tar into a zip for download (WS-73; format: APPNOTE.TXT sections 4.3.7, 4.3.12, 4.3.16). */
export async function tarToZip(bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = []
  const stored: Stored[] = []
  let offset = 0
  const extract = tar.extract()
  extract.end(bytes)
  for await (const entry of extract) {
    const content = await buffer(entry)
    if (entry.header.type !== 'file' && entry.header.type !== 'directory') continue
    const file: Stored = {
      name: Buffer.from(nameOf(entry.header)),
      crc: crc32(content),
      size: content.length,
      // Not on this thread: an archive of 100 MiB takes seconds.
      compressed: await deflate(content),
      attributes: ((entry.header.mode ?? 0o644) & 0o777) * 65_536,
      offset,
    }
    const header = localHeader(file)
    parts.push(header, file.compressed)
    offset += header.length + file.compressed.length
    stored.push(file)
  }
  const directory = Buffer.concat(stored.map(centralHeader))
  return Buffer.concat([...parts, directory, endRecord(stored.length, directory.length, offset)])
}

/** A folder is known by the slash at the end of its name. */
function nameOf({ name, type }: tar.Header): string {
  return type === 'directory' && !name.endsWith('/') ? `${name}/` : name
}

function common(file: Stored): Buffer {
  const fields = Buffer.alloc(26)
  fields.writeUInt16LE(20, 0)
  fields.writeUInt16LE(0x0800, 2)
  fields.writeUInt16LE(8, 4)
  fields.writeUInt32LE(0x00210000, 6)
  fields.writeUInt32LE(file.crc, 10)
  fields.writeUInt32LE(file.compressed.length, 14)
  fields.writeUInt32LE(file.size, 18)
  fields.writeUInt16LE(file.name.length, 22)
  return fields
}

function localHeader(file: Stored): Buffer {
  return Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common(file), file.name])
}

function centralHeader(file: Stored): Buffer {
  const made = Buffer.alloc(2)
  made.writeUInt16LE(0x0314, 0)
  const rest = Buffer.alloc(14)
  rest.writeUInt32LE(file.attributes, 6)
  rest.writeUInt32LE(file.offset, 10)
  return Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), made, common(file), rest, file.name])
}

function endRecord(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return end
}
