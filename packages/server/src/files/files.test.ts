import { buffer } from 'node:stream/consumers'
import { crc32, deflateRawSync } from 'node:zlib'

import tar from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import yauzl from 'yauzl'

import type { Client } from '@slipway/client'
import { createTemplateVersion } from '@slipway/contract'
import { importTemplate, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'

const TAR = 'application/x-tar'
const ZIP = 'application/zip'

let server: TestServer
let owner: Client
let member: Client
let database: Awaited<ReturnType<typeof openDatabase>>

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  owner = await server.owner()
  member = await server.user('member')
  database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

type Entry = Partial<tar.Header> & { name: string; content?: string }

async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const pack = tar.pack()
  for (const { content, ...header } of entries) {
    if (content === undefined) pack.entry(header)
    else pack.entry(header, content)
  }
  pack.finalize()
  return buffer(pack)
}

interface ZipEntry {
  readonly name: string | Buffer
  readonly content?: string | Buffer
  readonly mode?: number
  /** What the headers say in place of the truth. */
  readonly declaredSize?: number
  readonly declaredCrc?: number
}

/** A zip by hand (APPNOTE.TXT 4.3), so that its headers can lie. */
function zipOf(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const name = Buffer.from(entry.name)
    const content = Buffer.from(entry.content ?? '')
    const data = deflateRawSync(content)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(0x0800, 2)
    common.writeUInt16LE(8, 4)
    common.writeUInt32LE(0x58210000, 6)
    common.writeUInt32LE(entry.declaredCrc ?? crc32(content), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(entry.declaredSize ?? content.length, 18)
    common.writeUInt16LE(name.length, 22)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(((entry.mode ?? 0o100644) * 65_536) >>> 0, 6)
    rest.writeUInt32LE(offset, 10)
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name, data])
    directory.push(Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, rest, name)
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, central, end])
}

interface Answer {
  readonly status: number
  readonly body: { hash?: string; message?: string; detail?: string }
}

async function upload(client: Client, bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Answer> {
  const answer = await fetch(`${server.url}/api/v2/files`, {
    method: 'POST',
    headers: { ...client.headers, 'Content-Type': type },
    body: bytes,
  })
  return { status: answer.status, body: JSON.parse(await answer.text()) }
}

const bytesOf = (data: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(data)

function download(client: Client, id: string, query = ''): Promise<Response> {
  return fetch(`${server.url}/api/v2/files/${id}${query}`, { headers: client.headers })
}

async function storedFiles(): Promise<number> {
  const row = await database.db
    .selectFrom('files')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Uploads what must be refused; nothing of it may be stored. */
async function refused(data: Buffer, type: string): Promise<Answer> {
  const before = await storedFiles()
  const answer = await upload(owner, bytesOf(data), type)
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect(await storedFiles()).toBe(before)
  return answer
}

describe('uploading', () => {
  it('WS-72: the same bytes of one uploader have one id; another uploader gets another', async () => {
    const data = bytesOf(await tarOf([{ name: 'main.tf', content: 'once' }]))
    const first = await upload(owner, data, TAR)
    const second = await upload(owner, data, TAR)
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.body.hash).toBe(first.body.hash)
    const other = await upload(await server.user('admin', ['template-admin']), data, TAR)
    expect(other.status).toBe(201)
    expect(other.body.hash).not.toBe(first.body.hash)
  })

  it('WS-72: of several uploads at once all succeed with the same id', async () => {
    const data = bytesOf(await tarOf([{ name: 'main.tf', content: 'together' }]))
    const answers = await Promise.all(Array.from({ length: 6 }, () => upload(owner, data, TAR)))
    expect(new Set(answers.map(({ body }) => body.hash)).size).toBe(1)
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201])
  })

  it.each(['text/plain', 'application/json', 'application/x-tar; charset=utf-8', 'image/png'])(
    'WS-70: the type %s is refused',
    async (type) => {
      expect(await refused(Buffer.from('{}'), type)).toEqual({
        status: 400,
        body: { message: `Unsupported content type header "${type}".` },
      })
    },
  )

  it('WS-70: more than 100 MiB is 413 and says the limit', async () => {
    const answer = await refused(Buffer.alloc(104_857_601), TAR)
    expect(answer).toMatchObject({
      status: 413,
      body: {
        message: 'Request body too large.',
        detail: 'Maximum request body size is 104857600 bytes.',
      },
    })
  })

  it('WS-70: needs a session', async () => {
    const answer = await upload(server.anonymous, bytesOf(await tarOf([])), TAR)
    expect(answer.status).toBe(401)
  })
})

it('WS-93: who may not make versions stores no example by trying', async () => {
  const before = await storedFiles()
  const body = { storage_method: 'file', provisioner: 'typescript', example_id: 'local-workspace' } as const
  await expect(
    member.call(createTemplateVersion, { params: { organization: 'default' }, body }),
  ).rejects.toMatchObject({ status: 403 })
  expect(await storedFiles()).toBe(before)
})

describe('a tar', () => {
  it.each<[string, () => Promise<Buffer> | Buffer, string]>([
    ['nothing', () => Buffer.alloc(0), 'empty'],
    ['noise', () => Buffer.alloc(4096, 'noise'), 'tar header'],
    ['a short text', () => Buffer.from('hello'), 'end of data'],
    [
      'a cut entry',
      async () => (await tarOf([{ name: 'a', content: 'x'.repeat(9000) }])).subarray(0, 3000),
      'end',
    ],
    ['a parent path', () => tarOf([{ name: '../evil.ts', content: 'x' }]), '../evil.ts'],
    ['a parent path inside', () => tarOf([{ name: 'a/../../evil.ts', content: 'x' }]), 'outside'],
    ['an absolute path', () => tarOf([{ name: '/etc/passwd', content: 'x' }]), '/etc/passwd'],
    ['a drive', () => tarOf([{ name: 'C:/windows', content: 'x' }]), 'C:/windows'],
    ['a backslash', () => tarOf([{ name: '..\\evil', content: 'x' }]), 'outside'],
    ['a link to a parent', () => tarOf([{ name: 'a', type: 'symlink', linkname: '../../etc' }]), '../../etc'],
    [
      'an absolute link',
      () => tarOf([{ name: 'a', type: 'symlink', linkname: '/etc/passwd' }]),
      '/etc/passwd',
    ],
    ['a hard link out', () => tarOf([{ name: 'd/a', type: 'link', linkname: '../x' }]), '../x'],
    ['a device', () => tarOf([{ name: 'zero', type: 'character-device' }]), 'character-device'],
    ['a pipe', () => tarOf([{ name: 'pipe', type: 'fifo' }]), 'fifo'],
  ])('PR-65: with %s is refused by name and not stored', async (_what, make, named) => {
    const { status, body } = await refused(await make(), TAR)
    expect(status).toBe(400)
    expect(body.message).toMatch(/^Invalid (\.tar )?archive contents\.$/)
    expect(body.detail).toContain(named)
  })

  it('PR-65: with a name that is no UTF-8 is refused', async () => {
    const data = await tarOf([{ name: 'naaame.ts', content: 'x' }])
    data.fill(0xff, 2, 4)
    // The sum of the header's bytes, with spaces in the place of the sum (POSIX pax, ustar header).
    const sum = data
      .subarray(0, 512)
      .reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
    data.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    expect((await refused(data, TAR)).body.detail).toContain('no UTF-8')
  })

  it('PR-65: with links that stay inside is stored', async () => {
    const data = await tarOf([
      { name: 'modules/a.tf', content: 'x' },
      { name: 'modules/b.tf', type: 'symlink', linkname: '../modules/a.tf' },
      { name: 'c.tf', type: 'link', linkname: 'modules/a.tf' },
    ])
    expect((await upload(owner, bytesOf(data), TAR)).status).toBe(201)
  })
})

describe('a zip', () => {
  it('WS-71: is stored as the tar that provisioners read', async () => {
    const zip = zipOf([
      { name: 'modules/', mode: 0o040755 },
      { name: 'modules/run.sh', content: 'echo hello', mode: 0o100755 },
    ])
    const { status, body } = await upload(owner, bytesOf(zip), 'application/x-zip-compressed')
    expect(status).toBe(201)
    const answer = await download(owner, body.hash ?? '')
    expect(answer.headers.get('content-type')).toBe(TAR)
    const extract = tar.extract()
    extract.end(Buffer.from(await answer.arrayBuffer()))
    const found: unknown[] = []
    for await (const entry of extract)
      found.push([entry.header.name, entry.header.mode, entry.header.uid, (await buffer(entry)).toString()])
    expect(found).toEqual([
      ['modules/', 0o755, 1000, ''],
      ['modules/run.sh', 0o755, 1000, 'echo hello'],
    ])
  })

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['noise', Buffer.alloc(500, 'noise')],
    ['half of one', zipOf([{ name: 'a', content: 'x' }]).subarray(0, 40)],
  ])('WS-71: %s is no complete archive', async (_what, data) => {
    expect(await refused(data, ZIP)).toMatchObject({
      status: 400,
      body: { message: 'Incomplete .zip archive file.' },
    })
  })

  it.each<[string, ZipEntry, string]>([
    ['a parent path', { name: '../evil.ts', content: 'x' }, '../evil.ts'],
    ['an absolute path', { name: '/etc/passwd', content: 'x' }, '/etc/passwd'],
    ['a link out', { name: 'a/link', content: '../../etc/passwd', mode: 0o120777 }, '../../etc/passwd'],
    ['a name that is no UTF-8', { name: Buffer.from([0x61, 0xff, 0xfe]), content: 'x' }, 'no UTF-8'],
    ['a wrong checksum', { name: 'a.ts', content: 'x', declaredCrc: 7 }, 'a.ts'],
    ['more than it declares', { name: 'a.ts', content: 'x'.repeat(100), declaredSize: 10 }, 'bytes'],
    ['less than it declares', { name: 'a.ts', content: 'x', declaredSize: 10 }, 'bytes'],
  ])('WS-71: with %s is refused and not stored', async (_what, entry, named) => {
    const { status, body } = await refused(zipOf([{ name: 'good.ts', content: 'x' }, entry]), ZIP)
    expect(status).toBe(400)
    expect(body.message).toMatch(/^Invalid (\.zip )?archive contents\.$/)
    expect(body.detail).toContain(named)
  })

  it('WS-71: whose names alone would make it too large is refused', async () => {
    // With its header 204 blocks of a tar, and a thousand of these stay below 100 MiB.
    const content = Buffer.alloc(203 * 512)
    const entries = Array.from({ length: 1_000 }, (_, n) => ({ name: `${n}/${'n'.repeat(4_000)}`, content }))
    expect(await refused(zipOf(entries), ZIP)).toMatchObject({
      status: 413,
      body: { message: 'Expanded .zip archive exceeds maximum size.' },
    })
  })

  it('WS-71: that declares 200 MiB is refused before it is expanded', async () => {
    const bomb = zipOf([{ name: 'bomb', content: Buffer.alloc(1000), declaredSize: 200 * 1024 * 1024 }])
    const before = process.memoryUsage().rss
    expect(await refused(bomb, ZIP)).toMatchObject({
      status: 413,
      body: { message: 'Expanded .zip archive exceeds maximum size.' },
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024)
  })

  it('WS-71: that lies about its size is refused while it expands', async () => {
    const bomb = zipOf([{ name: 'bomb', content: Buffer.alloc(64 * 1024 * 1024), declaredSize: 1000 }])
    const before = process.memoryUsage().rss
    expect((await refused(bomb, ZIP)).status).toBe(400)
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024)
  })

  it('WS-71: of very many entries is refused', async () => {
    const many = zipOf(Array.from({ length: 10_001 }, (_, n) => ({ name: `f${n}` })))
    expect((await refused(many, ZIP)).status).toBe(413)
  })
})

describe('downloading', () => {
  it('WS-73: gives the bytes back, or a zip of them', async () => {
    const data = await tarOf([
      { name: 'dir', type: 'directory' },
      { name: 'dir/ümlaut.ts', content: 'export {}', mode: 0o755 },
    ])
    const { body } = await upload(owner, bytesOf(data), TAR)
    const same = await download(owner, body.hash ?? '')
    expect(Buffer.from(await same.arrayBuffer()).equals(data)).toBe(true)
    const zipped = await download(owner, body.hash ?? '', '?format=zip')
    expect(zipped.headers.get('content-type')).toBe(ZIP)
    expect(await namesIn(Buffer.from(await zipped.arrayBuffer()))).toEqual(['dir/', 'dir/ümlaut.ts'])
  })

  it('WS-73: knows no other format and no other file', async () => {
    const { body } = await upload(owner, bytesOf(await tarOf([{ name: 'x', content: 'y' }])), TAR)
    const other = await download(owner, body.hash ?? '', '?format=rar')
    expect([other.status, await other.json()]).toEqual([400, { message: 'Unsupported conversion format.' }])
    for (const id of ['00000000-0000-4000-8000-000000000000', 'nonsense', '..%2Fusers'])
      expect([400, 404]).toContain((await download(owner, id)).status)
  })

  it('WS-73: is for the uploader and for those who may update a template of it', async () => {
    const admin = await server.user('writer', ['template-admin'])
    const reader = await server.user('reader', ['template-admin'])
    const { body } = await upload(admin, bytesOf(await tarOf([{ name: 'secret', content: 'mine' }])), TAR)
    const id = body.hash ?? ''
    expect((await download(admin, id)).status).toBe(200)
    expect((await download(member, id)).status).toBe(404)
    expect((await download(server.anonymous, id)).status).toBe(401)
    const files = {
      'template.ts': `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({ workspace: () => ({ runtime: local(), agents: [{ name: 'main' }] }) })`,
    }
    await importTemplate(admin, 'shared', files)
    const { file_id: used } = await database.db
      .selectFrom('provisioner_jobs as j')
      .innerJoin('template_versions as v', 'v.job_id', 'j.id')
      .innerJoin('templates as t', 't.id', 'v.template_id')
      .select('j.file_id')
      .where('t.name', '=', 'shared')
      .executeTakeFirstOrThrow()
    expect((await download(reader, used)).status).toBe(200)
    expect((await download(member, used)).status).toBe(404)
  })
})

function namesIn(zip: Buffer): Promise<string[]> {
  return new Promise((resolve, reject) => {
    yauzl.fromBuffer(zip, { lazyEntries: false }, (error, archive) => {
      if (error) return reject(error)
      const names: string[] = []
      archive.on('entry', (entry: yauzl.Entry) => names.push(entry.fileName))
      archive.on('error', reject).on('end', () => resolve(names))
    })
  })
}
