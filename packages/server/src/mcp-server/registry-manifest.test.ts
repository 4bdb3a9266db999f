import { readFile } from 'node:fs/promises'
import path from 'node:path'

import { expect, it } from 'vitest'

import { postMcp } from '@slipway/contract'

const ROOT = path.resolve(import.meta.dirname, '../../../..')

async function json(name: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path.join(ROOT, name), 'utf8'))
}

it('OA-95: the registry manifest leads to the endpoint of any deployment, in the version of this one', async () => {
  const manifest = await json('server.json')
  const { version } = await json('package.json')
  expect(manifest).toMatchObject({
    $schema: 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
    version,
    remotes: [
      {
        type: 'streamable-http',
        url: `https://{hostname}${postMcp.path}`,
        variables: { hostname: { isRequired: true } },
      },
    ],
  })
  // What the registry takes.
  expect(manifest.name).toMatch(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/)
  // A namespace is a domain read backwards: this one is for private use, and says nothing untrue about who owns one.
  expect(manifest.name).toMatch(/^internal\./)
  expect(String(manifest.description).length).toBeLessThanOrEqual(100)
})
