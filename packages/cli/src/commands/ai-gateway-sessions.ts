import type { Command } from 'commander'

import {
  type AIBridgeSession,
  type AIBridgeThread,
  getAIGatewaySession,
  listAIGatewaySessions,
} from '@slipway/contract'
import { dollars } from '../dollars.ts'
import { ago, type Column, day, type OutputFlags, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'
import { wholeNumber } from '../whole-number.ts'

/** Characters of a prompt in a table. */
const PROMPT = 60

const COLUMNS: readonly Column<AIBridgeSession>[] = [
  { name: 'id', value: (session) => session.id },
  { name: 'user', value: (session) => session.initiator.username },
  { name: 'client', value: (session) => session.client },
  { name: 'models', value: (session) => session.models.join(', ') },
  { name: 'providers', value: (session) => session.providers.join(', '), extra: true },
  { name: 'threads', value: (session) => String(session.threads) },
  { name: 'input', value: (session) => String(session.token_usage_summary.input_tokens) },
  { name: 'output', value: (session) => String(session.token_usage_summary.output_tokens) },
  { name: 'cost', value: (session) => dollars(session.cost_micros, 'unknown') },
  { name: 'last active', value: (session) => ago(session.last_active_at) },
  { name: 'started at', value: (session) => day(session.started_at), extra: true },
  { name: 'last prompt', value: (session) => (session.last_prompt ?? '').slice(0, PROMPT), extra: true },
]

const THREAD_COLUMNS: readonly Column<AIBridgeThread>[] = [
  { name: 'id', value: (thread) => thread.id },
  { name: 'started at', value: (thread) => day(thread.started_at) },
  {
    name: 'model',
    value: ({ model, requested_model: requested }) =>
      requested === undefined ? model : `${requested} → ${model}`,
  },
  { name: 'provider', value: (thread) => thread.provider_name },
  { name: 'requests', value: (thread) => String(thread.requests.length) },
  { name: 'tools', value: (thread) => toolsOf(thread) },
  { name: 'input', value: (thread) => String(thread.token_usage.input_tokens) },
  { name: 'output', value: (thread) => String(thread.token_usage.output_tokens) },
  { name: 'cost', value: (thread) => dollars(thread.cost_micros, 'unknown') },
  {
    name: 'credential',
    value: (thread) => `${thread.credential_kind} ${thread.credential_hint}`,
    extra: true,
  },
  { name: 'error', value: (thread) => thread.error_type ?? '' },
  { name: 'prompt', value: (thread) => (thread.prompt ?? '').slice(0, PROMPT) },
]

interface ListFlags extends OutputFlags {
  readonly user?: string
  readonly client?: string
  readonly model?: string
  readonly provider?: string
  readonly since?: string
  readonly until?: string
  readonly limit: string
  readonly offset: string
}

interface ShowFlags extends OutputFlags {
  readonly user?: string
  readonly limit: string
  readonly after?: string
}

/** `ai-gateway sessions …`. */
export function sessionCommands(gateway: Command): void {
  const sessions = gateway
    .command('sessions')
    .alias('session')
    .description('Read what was asked of models, and what it cost')
  tableOptions(sessions.command('list').alias('ls'), COLUMNS)
    .description('List sessions, those that were active last in front')
    .option('-u, --user <user>', 'whose, by name or id; `me` for your own')
    .option('--client <client>', 'of this client, such as "Claude Code"')
    .option('--model <model>', 'with this model')
    .option('--provider <provider>', 'with the provider of this name')
    .option('--since <time>', 'begun after this time, such as 2026-01-31T00:00:00Z')
    .option('--until <time>', 'begun before this time')
    .option('--limit <count>', 'how many', '25')
    .option('--offset <count>', 'how many to leave out', '0')
    .action(async (own: ListFlags, command: Command) => {
      const limit = wholeNumber(own.limit, '--limit')
      const offset = wholeNumber(own.offset, '--offset', 0)
      const client = await openSession(command)
      const found = await client.call(listAIGatewaySessions, {
        query: { q: searchOf(own), limit, offset },
      })
      printRows(found.sessions, COLUMNS, own)
    })
  tableOptions(sessions.command('show <session>'), THREAD_COLUMNS)
    .description('Show the threads of a session, given by its id or that of a request in it')
    .option('-u, --user <user>', 'whose, where several users share its id')
    .option('--limit <count>', 'how many threads', '50')
    .option('--after <thread>', 'those behind this one')
    .action(async (id: string, own: ShowFlags, command: Command) => {
      const limit = wholeNumber(own.limit, '--limit')
      const client = await openSession(command)
      const session = await client.call(getAIGatewaySession, {
        params: { session_id: id },
        query: {
          limit,
          ...(own.user === undefined ? {} : { initiator: own.user }),
          ...(own.after === undefined ? {} : { after_id: own.after }),
        },
      })
      if (own.output === 'json') process.stdout.write(`${JSON.stringify(session, null, 2)}\n`)
      else printRows(session.threads, THREAD_COLUMNS, own)
    })
}

function toolsOf({ agentic_actions: actions }: AIBridgeThread): string {
  const counts = new Map<string, number>()
  for (const { tool_calls: calls } of actions)
    for (const { tool } of calls) counts.set(tool, (counts.get(tool) ?? 0) + 1)
  return [...counts].map(([tool, count]) => (count === 1 ? tool : `${tool} ×${count}`)).join(', ')
}

function searchOf(flags: ListFlags): string {
  const terms = {
    initiator: flags.user,
    client: flags.client,
    model: flags.model,
    provider_name: flags.provider,
    started_after: flags.since,
    started_before: flags.until,
  }
  return Object.entries(terms)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}:"${value.replaceAll('"', '')}"`]))
    .join(' ')
}
