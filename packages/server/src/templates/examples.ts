import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'

import tar from 'tar-stream'

import type { TemplateExample } from '@slipway/contract'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import { storeFile } from '../files/index.ts'

const FOLDER = new URL('./builtin/', import.meta.url)

interface Example {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly icon: string
  readonly tags: readonly string[]
}

/** Templates that ship with the server, each a folder under `builtin/` (WS-84). */
export const EXAMPLES: readonly Example[] = [
  {
    id: 'local-workspace',
    name: 'Local workspace',
    description: 'A workspace on the machine of the server: a home folder, a shell, and nothing to install.',
    icon: '/icon/terminal.svg',
    tags: ['local', 'linux'],
  },
]

/** The examples as the API lists them. */
export async function listExamples(): Promise<TemplateExample[]> {
  return Promise.all(
    EXAMPLES.map(async (example) => ({
      id: example.id,
      url: '',
      name: example.name,
      description: example.description,
      icon: example.icon,
      tags: [...example.tags],
      markdown: await readFile(new URL(`${example.id}/README.md`, FOLDER), 'utf8'),
    })),
  )
}

/** Stores an example as a file of the actor (WS-100). @throws ApiError 400 when there is no such example. */
export async function storeExample(context: AppContext, actor: Actor, id: string): Promise<string> {
  if (!EXAMPLES.some((example) => example.id === id)) throw badRequest('Example not found.')
  const folder = new URL(`${id}/`, FOLDER)
  const pack = tar.pack()
  for (const name of (await readdir(folder)).sort())
    pack.entry({ name, mode: 0o644, mtime: new Date(0) }, await readFile(new URL(name, folder)))
  pack.finalize()
  const data = await buffer(pack)
  const file = await storeFile(actor, context.database.db, {
    hash: createHash('sha256').update(data).digest('hex'),
    mimetype: 'application/x-tar',
    data,
    createdBy: actor.id,
  })
  return file.id
}
