import path from 'node:path'

import { ApiFailure } from '@slipway/client'
import {
  createTemplate,
  createTemplateVersion,
  getTemplateByName,
  getTemplateVersion,
  listTemplateVersionVariables,
  setActiveTemplateVersion,
  type TemplateVersion,
  uploadFile,
} from '@slipway/contract'
import { archiveIn, archiveOf, type TemplateArchive } from './archive.ts'
import type { Connection } from './connection.ts'
import { CommandError } from './errors.ts'
import { followImport } from './follow-build.ts'
import { chosenOrganization, type OrganizationFlags } from './organization.ts'
import { type NamedValue, pairs, valuesIn } from './parameter-flags.ts'
import { ask, askSecret, interactive, sure } from './prompt.ts'

/** What `templates push` was told. */
export interface PushFlags extends OrganizationFlags {
  readonly directory: string
  readonly name?: string
  readonly message?: string
  readonly variable?: readonly string[]
  readonly variablesFile?: string
  readonly provisionerTag?: readonly string[]
  readonly activate: boolean
  readonly ignoreLockfile?: boolean
  readonly alwaysPrompt?: boolean
  readonly yes?: boolean
}

/**
 * Makes a version of a template from a folder or from a tar archive on standard input, and the template itself when
 * it is new. Variables that the template wants and nobody gave are asked for.
 *
 * @throws CommandError when the import fails.
 */
export async function pushTemplate(client: Connection, name: string, own: PushFlags): Promise<void> {
  const organization = await chosenOrganization(client, own)
  const existing = await client
    .call(getTemplateByName, { params: { organization: organization.id, templatename: name } })
    .catch((error: unknown) => {
      if (error instanceof ApiFailure && error.status === 404) return undefined
      throw error
    })
  if (existing === undefined) {
    if (own.directory === '-' && own.yes !== true)
      throw new CommandError(`there is no template ${name} yet: add --yes to make it`)
    await sure(`There is no template ${name} yet. Make it?`, own.yes)
  }
  const archive =
    own.directory === '-' ? await archiveIn(process.stdin) : await archiveOf(path.resolve(own.directory))
  if (!archive.locked && own.ignoreLockfile !== true)
    process.stderr.write(
      'warning: there is no .terraform.lock.hcl, so a later build may take other providers: run `terraform init`, or add --ignore-lockfile\n',
    )
  const imported = await importArchive(client, archive, organization.id, existing?.id, own)
  if (existing === undefined)
    await client.call(createTemplate, {
      params: { organization: organization.id },
      body: { name, template_version_id: imported.id },
    })
  else if (own.activate)
    await client.call(setActiveTemplateVersion, {
      params: { template: existing.id },
      body: { id: imported.id },
    })
  process.stdout.write(
    existing === undefined
      ? `Made template ${name} with version ${imported.name}.\n`
      : `Version ${imported.name} of template ${name} ${own.activate ? 'is active' : 'was made'}.\n`,
  )
}

async function importArchive(
  client: Connection,
  archive: TemplateArchive,
  organization: string,
  template: string | undefined,
  own: PushFlags,
): Promise<TemplateVersion> {
  const { hash } = await client.upload(uploadFile, archive.bytes, 'application/x-tar')
  const given = pairs(own.variable, '--variable')
  const file = own.variablesFile === undefined ? [] : await valuesIn(own.variablesFile, '--variables-file')
  let variables = [...given, ...file.filter((entry) => !given.some(({ name }) => name === entry.name))]
  const attempt = async (): Promise<TemplateVersion> => {
    const version = await client.call(createTemplateVersion, {
      params: { organization },
      body: {
        storage_method: 'file',
        file_id: hash,
        provisioner: archive.provisioner,
        ...(template === undefined ? {} : { template_id: template }),
        ...(own.name === undefined ? {} : { name: own.name }),
        ...(own.message === undefined ? {} : { message: own.message }),
        user_variable_values: variables,
        tags: Object.fromEntries(
          pairs(own.provisionerTag, '--provisioner-tag').map((tag) => [tag.name, tag.value]),
        ),
      },
    })
    const at = { params: { templateversion: version.id } }
    await followImport(client, version.id)
    return client.call(getTemplateVersion, at)
  }
  let version = await attempt()
  if (version.job.error_code === 'REQUIRED_TEMPLATE_VARIABLES') {
    variables = [
      ...variables,
      ...(await missingVariables(client, version, variables, own.alwaysPrompt === true)),
    ]
    version = await attempt()
  }
  if (version.job.status !== 'succeeded')
    throw new CommandError(`the import has failed: ${version.job.error ?? version.job.status}`)
  return version
}

async function missingVariables(
  client: Connection,
  version: TemplateVersion,
  given: readonly NamedValue[],
  all: boolean,
): Promise<NamedValue[]> {
  const variables = await client.call(listTemplateVersionVariables, {
    params: { templateversion: version.id },
  })
  const missing = variables.filter(
    (one) => (one.required || all) && !given.some(({ name }) => name === one.name),
  )
  if (!interactive() || missing.length === 0)
    throw new CommandError(
      `the template needs variables: give ${missing.map(({ name }) => `--variable ${name}=…`).join(' ') || 'them with --variable'}`,
    )
  const answers: NamedValue[] = []
  for (const { name, description, sensitive, default_value: fallback } of missing) {
    const label = description === '' ? name : `${name} (${description})`
    const value = sensitive
      ? await askSecret(label, `--variable ${name}=…`)
      : await ask(label, `--variable ${name}=…`, fallback)
    answers.push({ name, value })
  }
  return answers
}
