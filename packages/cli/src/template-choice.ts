import { ApiFailure } from '@slipway/client'
import {
  getTemplateByName,
  getTemplateVersionByName,
  listTemplates,
  listTemplateVersionPresets,
  type Preset,
  type Template,
} from '@slipway/contract'
import type { Connection } from './connection.ts'
import { CommandError } from './errors.ts'
import { chosenOrganization, type OrganizationFlags } from './organization.ts'
import { choose } from './prompt.ts'

/** What something is built from. */
export interface TemplateFlags extends OrganizationFlags {
  readonly template?: string
  readonly templateVersion?: string
  readonly preset?: string
}

/**
 * The template that flags name, else the only one, else the one that somebody picks.
 *
 * @param search which templates count.
 * @throws CommandError naming those there are.
 */
export async function chosenTemplate(
  client: Connection,
  own: TemplateFlags,
  search: { readonly query: string; readonly none: string } = {
    query: '',
    none: 'there is no template yet: make one with `slipway templates push`',
  },
): Promise<Template> {
  const named = own.org
  const templates = (await client.call(listTemplates, { query: { q: search.query } })).filter(
    (one) => named === undefined || one.organization_name === named || one.organization_id === named,
  )
  if (own.template === undefined) {
    const [only, another] = templates
    if (only === undefined) throw new CommandError(search.none)
    if (another === undefined) return only
    const names = templates.map(({ name }) => name)
    const chosen = await choose('Template', 'name a template with --template', names)
    return templates.find(({ name }) => name === chosen) ?? only
  }
  const found = templates.filter(({ name }) => name === own.template)
  const [only, another] = found
  if (only !== undefined && another === undefined) return only
  if (only !== undefined)
    throw new CommandError(
      `several organizations have a template ${own.template}, name one with --org: ${found.map((one) => one.organization_name).join(', ')}`,
    )
  // The server knows better than a list whether there is none, or one that may not be seen.
  const organization = await chosenOrganization(client, own)
  return client
    .call(getTemplateByName, { params: { organization: organization.id, templatename: own.template } })
    .catch((error: unknown) => {
      if (!(error instanceof ApiFailure && error.status === 404)) throw error
      const names = templates.map(({ name }) => name).join(', ') || 'none yet'
      throw new CommandError(`template ${own.template} was not found: there is ${names}`)
    })
}

/** The version that flags name, else the active one. */
export async function chosenVersion(
  client: Connection,
  template: Template,
  own: TemplateFlags,
): Promise<string> {
  if (own.templateVersion === undefined) return template.active_version_id
  const version = await client.call(getTemplateVersionByName, {
    params: { template: template.id, templateversionname: own.templateVersion },
  })
  return version.id
}

/** The preset of this name; undefined for none. @throws CommandError naming those there are. */
export async function chosenPreset(
  client: Connection,
  version: string,
  name: string | undefined,
): Promise<Preset | undefined> {
  if (name === undefined || name === 'none') return undefined
  const presets = await client.call(listTemplateVersionPresets, { params: { templateversion: version } })
  const found = presets.find((preset) => preset.Name.toLowerCase() === name.toLowerCase())
  if (found === undefined)
    throw new CommandError(
      `the template has no preset ${name}: it has ${presets.map((one) => one.Name).join(', ') || 'none'}`,
    )
  return found
}
