import { Readable } from 'node:stream'

import type { FastifyReply } from 'fastify'

import type { exportOrganizationAISpend, QueryOf } from '@slipway/contract'
import { csvLine } from '../../audit-log/index.ts'
import type { Actor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { badRequest, type Validation } from '../../errors/index.ts'
import { listSpendForExport, type SpendExportRow } from '../store/spend-reports.ts'
import { type BudgetPeriod, dayOf, periodOf } from './period.ts'

/** Rows that are read at once; each page adds up what is behind the former one. */
const PAGE = 5_000
const MAX_DAYS = 31
const DAY_MS = 86_400_000

const COLUMNS = [
  'user_id',
  'username',
  'group_id',
  'group_name',
  'organization_id',
  'organization_name',
  'model',
  'provider',
  'provider_name',
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'cost_micros',
  'period_start',
  'period_end',
] as const

/**
 * Answers with what each user of an organization has used of each model as CSV, page by page as the client takes them
 * (AG-117).
 *
 * @throws ApiError 400 for a period that cannot be, 403 without `group_member:read` for the organization: nothing has
 *   been answered then.
 */
export async function exportSpend(
  context: AppContext,
  actor: Actor,
  reply: FastifyReply,
  organization: { readonly id: string; readonly name: string },
  query: QueryOf<typeof exportOrganizationAISpend>,
): Promise<void> {
  const { clock, config, database } = context
  const { start, end } = exportPeriod(query, clock.now(), config.aiGatewayRetention)
  const page = (after: SpendExportRow | undefined): Promise<SpendExportRow[]> =>
    listSpendForExport(
      actor,
      database.db,
      { organizationId: organization.id, start, end },
      { after, limit: PAGE },
    )
  const line = (row: SpendExportRow): string =>
    csvLine([
      row.user_id,
      row.username,
      row.group_id,
      row.group_name,
      organization.id,
      organization.name,
      row.model,
      row.provider,
      row.provider_name,
      row.input_tokens,
      row.output_tokens,
      row.cache_read_tokens,
      row.cache_write_tokens,
      row.cost_micros,
      start.toISOString(),
      end.toISOString(),
    ])
  const first = await page(undefined)
  const name = `ai-spend-export-${organization.name}-${dayOf(start)}-to-${dayOf(end)}.csv`
  await reply
    .type('text/csv; charset=utf-8')
    .header('Content-Disposition', `attachment; filename="${name}"`)
    .send(Readable.from(linesOf(first, page, line)))
}

async function* linesOf(
  first: readonly SpendExportRow[],
  page: (after: SpendExportRow | undefined) => Promise<SpendExportRow[]>,
  line: (row: SpendExportRow) => string,
): AsyncGenerator<string> {
  yield csvLine(COLUMNS)
  for (let rows = first; rows.length > 0; ) {
    yield rows.map(line).join('')
    rows = rows.length < PAGE ? [] : await page(rows.at(-1))
  }
}

/**
 * Of what time an export is: this month as far as its records are kept, or what is asked for.
 *
 * @param retentionMs how long records are kept; 0 is for ever.
 */
function exportPeriod(
  { period_start: from, period_end: to }: QueryOf<typeof exportOrganizationAISpend>,
  now: Date,
  retentionMs: number,
): BudgetPeriod {
  const kept = retentionMs === 0 ? new Date(0) : new Date(now.getTime() - retentionMs)
  if (from === undefined && to === undefined) {
    const { start, end } = periodOf(now)
    return { start: new Date(Math.max(start.getTime(), kept.getTime())), end }
  }
  const faults: Validation[] = []
  const read = (field: 'period_start' | 'period_end', text: string | undefined): Date => {
    const time = text === undefined ? undefined : timeOf(text)
    if (time === undefined)
      faults.push({
        field,
        detail:
          text === undefined
            ? 'period_start and period_end must be given together'
            : 'must be a time as RFC 3339 writes it',
      })
    return time ?? now
  }
  const start = read('period_start', from)
  const end = read('period_end', to)
  if (faults.length === 0) {
    if (end <= start) faults.push({ field: 'period_end', detail: 'must be later than period_start' })
    else if (end.getTime() - start.getTime() > MAX_DAYS * DAY_MS)
      faults.push({ field: 'period_end', detail: `must be at most ${MAX_DAYS} days later than period_start` })
    if (start < kept)
      faults.push({
        field: 'period_start',
        detail: `must not be before ${kept.toISOString()}: older records are not kept`,
      })
  }
  if (faults.length > 0) throw badRequest('Invalid export period.', { validations: faults })
  return { start, end }
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** Days and hours that do not exist are not taken for later ones: nobody would see that an export is of another time. */
function timeOf(text: string): Date | undefined {
  const [, year, month, day, hour] = (RFC_3339.exec(text) ?? []).map(Number)
  if (year === undefined || month === undefined || day === undefined || hour === undefined) return undefined
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate()
  const time = new Date(text)
  return day <= days && hour < 24 && !Number.isNaN(time.getTime()) ? time : undefined
}
