import { buffer } from 'node:stream/consumers'

import tar from 'tar-stream'

import type { Client } from '@slipway/client'
import {
  createTemplate,
  createTemplateVersion,
  getTemplateVersion,
  listOrganizations,
  type Template,
  uploadFile,
} from '@slipway/contract'
import { until } from './until.ts'

/**
 * Imports a template from files by name, such as `{ 'template.ts': '…' }`, and waits for its import.
 *
 * @throws Error with the message of the job when the import fails.
 */
export async function importTemplate(
  client: Client,
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<Template> {
  const pack = tar.pack()
  for (const [file, content] of Object.entries(files)) pack.entry({ name: file }, content)
  pack.finalize()
  const bytes = new Uint8Array(await buffer(pack))
  const { hash } = await client.upload(uploadFile, bytes, 'application/x-tar')
  const organization = (await client.call(listOrganizations))[0]?.id ?? ''
  const { id } = await client.call(createTemplateVersion, {
    params: { organization },
    body: { file_id: hash, provisioner: 'typescript', storage_method: 'file' },
  })
  const { job } = await until('the import', async () => {
    const version = await client.call(getTemplateVersion, { params: { templateversion: id } })
    return version.job.completed_at === undefined ? undefined : version
  })
  if (job.status !== 'succeeded') throw new Error(`the import failed: ${job.error}`)
  return client.call(createTemplate, { params: { organization }, body: { name, template_version_id: id } })
}
