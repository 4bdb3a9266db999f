import { crc32 as nodeCrc32 } from 'node:zlib'

import { describe, expect, it } from 'vitest'

import { crc32, zipOf } from './zip.ts'

interface Read {
  readonly name: string
  readonly text: string
  readonly checksum: number
}

/** Reads an archive as tools do: from its end, by its directory. */
async function read(archive: Blob): Promise<readonly Read[]> {
  const bytes = Buffer.from(await archive.arrayBuffer())
  const end = bytes.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  const files: Read[] = []
  let at = bytes.readUInt32LE(end + 16)
  for (let count = bytes.readUInt16LE(end + 10); count > 0; count--) {
    expect(bytes.readUInt32LE(at)).toBe(0x02014b50)
    const [size, nameLength, start] = [
      bytes.readUInt32LE(at + 20),
      bytes.readUInt16LE(at + 28),
      bytes.readUInt32LE(at + 42),
    ]
    // The file says of itself what the directory says of it: method, sizes and name.
    expect(bytes.readUInt32LE(start)).toBe(0x04034b50)
    expect(bytes.subarray(start + 4, start + 30)).toEqual(bytes.subarray(at + 6, at + 32))
    const content = start + 30 + bytes.readUInt16LE(start + 26) + bytes.readUInt16LE(start + 28)
    files.push({
      name: bytes.toString('utf8', at + 46, at + 46 + nameLength),
      text: bytes.toString('utf8', content, content + size),
      checksum: bytes.readUInt32LE(at + 16),
    })
    at += 46 + nameLength
  }
  expect(at).toBe(end)
  return files
}

describe('archives', () => {
  it('UI-715: hold each text under its name, with the checksum that tools ask for', async () => {
    const texts = ['', 'one line\n', 'Grüße, 世界\n'.repeat(500)]
    const files = await read(
      zipOf(
        texts.map((text, index) => ({ name: `logs/ä${index}.log`, text })),
        new Date(2026, 4, 6, 12, 30, 10),
      ),
    )
    expect(files).toEqual(
      texts.map((text, index) => ({ name: `logs/ä${index}.log`, text, checksum: nodeCrc32(text) })),
    )
  })

  it('UI-715: an empty one is whole too', async () => {
    const archive = zipOf([], new Date())
    expect(archive.size).toBe(22)
    expect(await read(archive)).toEqual([])
  })

  it('crc32 of the standard check string', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  })
})
