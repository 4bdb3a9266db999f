import type { Command } from 'commander'

import {
  AIGatewaySettings,
  getAIGatewaySettings,
  UpdateAIGatewaySettingsRequest,
  updateAIGatewaySettings,
} from '@slipway/contract'
import { CommandError } from '../errors.ts'
import { type Column, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { jsonBytes, standardInputObject } from '../standard-input.ts'

interface Setting {
  readonly name: string
  readonly value: string
}

const SETTING_COLUMNS: readonly Column<Setting>[] = [
  { name: 'setting', value: (setting) => setting.name },
  { name: 'value', value: (setting) => setting.value },
]

/** `ai-gateway policy settings …`. */
export function settingCommands(settings: Command): void {
  tableOptions(settings.command('show'), SETTING_COLUMNS)
    .description('Show the settings of the gateway')
    .action(async (own: OutputFlags, command: Command) => {
      const client = await openSession(command)
      printSettings(await client.call(getAIGatewaySettings), own)
    })
  tableOptions(settings.command('set [assignments...]'), SETTING_COLUMNS)
    .description('Change settings of the gateway, named as `show` names them; all others stay')
    .addHelpText(
      'after',
      '\nFor example: slipway ai-gateway policy settings set budget_period=week guardrails.secrets=redact\n' +
        'Without assignments, or for secrets, a JSON object is read from standard input.',
    )
    .action(async (assignments: readonly string[], own: OutputFlags, command: Command) => {
      const body =
        assignments.length === 0 ? await standardInputObject('the settings') : assignmentsIn(assignments)
      checkNames(body)
      const client = await openSession(command)
      const changed = await client.upload(updateAIGatewaySettings, jsonBytes(body), 'application/json')
      printSettings(changed, own)
    })
}

function printSettings(settings: AIGatewaySettings, own: OutputFlags): void {
  if (own.output === 'json') process.stdout.write(`${JSON.stringify(settings, null, 2)}\n`)
  else printRows(settingsIn(settings), SETTING_COLUMNS, own)
}

function settingsIn(settings: object, before = ''): Setting[] {
  return Object.entries(settings).flatMap(([key, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? settingsIn(value, `${before}${key}.`)
      : [{ name: before + key, value: typeof value === 'string' ? value : JSON.stringify(value) }],
  )
}

/** @throws CommandError for what assigns nothing, and for secrets: other programs of the machine see the command line. */
function assignmentsIn(assignments: readonly string[]): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  const guardrails: Record<string, unknown> = {}
  for (const assignment of assignments) {
    const [, inner, name, text] = /^(guardrails\.)?([a-z_]+)=(.*)$/s.exec(assignment) ?? []
    if (name === undefined || text === undefined)
      throw new CommandError(`${JSON.stringify(assignment)} must be an assignment such as budget_period=week`)
    if (name.endsWith('_secret'))
      throw new CommandError(`${name} is a secret: give it on standard input, in a JSON object`)
    const target = inner === undefined ? body : guardrails
    target[name] = settingOf(text)
  }
  return Object.keys(guardrails).length === 0 ? body : { ...body, guardrails }
}

/** Numbers, switches and lists are JSON; all else is text. */
function settingOf(text: string): unknown {
  if (!/^(true|false|-?\d+|\[.*\])$/s.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const SETTABLE = UpdateAIGatewaySettingsRequest.properties
/** What `show` has beside them; it is read where all of its output is given back, and changes nothing. */
const SHOWN = AIGatewaySettings.properties

/** @throws CommandError for settings that there are none of, which the server would pass over, and values out of question. */
function checkNames(body: Readonly<Record<string, unknown>>): void {
  checkGroup(body, SETTABLE, SHOWN, '')
  const { guardrails } = body
  if (typeof guardrails === 'object' && guardrails !== null)
    checkGroup({ ...guardrails }, SETTABLE.guardrails.properties, SHOWN.guardrails.properties, 'guardrails.')
}

function checkGroup(
  given: Readonly<Record<string, unknown>>,
  settable: Readonly<Record<string, object>>,
  shown: Readonly<Record<string, object>>,
  before: string,
): void {
  for (const [name, value] of Object.entries(given)) {
    const known = Object.hasOwn(settable, name) ? settable[name] : undefined
    if (known === undefined && !Object.hasOwn(shown, name))
      throw new CommandError(
        `there is no setting ${before}${name}: \`slipway ai-gateway policy settings show\` lists them`,
      )
    const choices: readonly unknown[] =
      known !== undefined && 'enum' in known && Array.isArray(known.enum) ? known.enum : []
    if (choices.length > 0 && !choices.includes(value))
      throw new CommandError(
        `${before}${name} must be one of ${choices.join(', ')}, not ${JSON.stringify(value)}`,
      )
  }
}
