import type { AIBridgeSession } from '@slipway/contract'
import { money, shortCount } from '../ai-gateway/money.ts'
import { dollars } from '../chats/chat-words.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Mark } from '../ui/form.tsx'
import type { Column } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { clientWords, tokensIn } from './session-words.ts'

interface ColumnsProps {
  /** Filter and page of the list, so that the way back leads there (UI-1302). */
  readonly from: { readonly filter: string; readonly page: number }
  /** Whether all sessions are those of one user. */
  readonly own?: boolean
}

/** Sessions in a table: what was asked, by whom, with what, and what it took (UI-1301). */
export function sessionColumns({ from, own = false }: ColumnsProps): readonly Column<AIBridgeSession>[] {
  return [
    {
      id: 'prompt',
      header: 'Last prompt',
      cell: (row) => (
        <span className="block min-w-0 py-1.5">
          <AppLink
            href={paths.aiSession(row.id, {
              initiator: row.initiator.username,
              ...(own ? {} : { filter: from.filter, ...(from.page > 1 ? { page: String(from.page) } : {}) }),
            })}
            className="block truncate font-medium hover:text-accent"
          >
            {row.last_prompt === undefined || row.last_prompt.trim() === '' ? (
              <span className="font-normal text-ink-2">Prompt not kept</span>
            ) : (
              <bdi>{row.last_prompt}</bdi>
            )}
          </AppLink>
          <span className="flex min-w-0 items-center gap-1.5 text-xs text-ink-2">
            {own ? null : (
              <>
                <bdi className="truncate">{row.initiator.username}</bdi>
                <span className="text-ink-3">·</span>
              </>
            )}
            <span className="shrink-0">{clientWords(row.client)}</span>
            {own && row.models[0] !== undefined ? (
              <>
                <span className="text-ink-3">·</span>
                <code className="truncate">{row.models[0]}</code>
              </>
            ) : null}
          </span>
        </span>
      ),
    },
    ...(own ? [] : [MODELS]),
    {
      id: 'threads',
      header: 'Threads',
      align: 'end',
      from: 'xl',
      cell: (row) => row.threads.toLocaleString('en-US'),
    },
    {
      id: 'in',
      header: 'Tokens in',
      align: 'end',
      from: 'md',
      cell: (row) => (
        <span
          title={`${row.token_usage_summary.input_tokens.toLocaleString('en-US')} new, ${row.token_usage_summary.cache_read_input_tokens.toLocaleString('en-US')} from the cache, ${row.token_usage_summary.cache_write_input_tokens.toLocaleString('en-US')} into it`}
        >
          {shortCount(tokensIn(row.token_usage_summary))}
        </span>
      ),
    },
    {
      id: 'out',
      header: 'Out',
      align: 'end',
      from: 'md',
      cell: (row) => shortCount(row.token_usage_summary.output_tokens),
    },
    {
      id: 'cost',
      header: 'Cost',
      align: 'end',
      from: 'sm',
      cell: (row) => <Cost micros={row.cost_micros} />,
    },
    {
      id: 'active',
      header: 'Active',
      className: '@max-xl:pl-4 @max-xl:text-xs',
      cell: (row) => (
        <span className="whitespace-nowrap text-ink-2">
          <TimeAgo time={row.last_active_at} />
          <span className="@xl:hidden">{row.cost_micros === null ? '' : ` · ${money(row.cost_micros)}`}</span>
        </span>
      ),
    },
  ]
}

const MODELS: Column<AIBridgeSession> = {
  id: 'models',
  header: 'Models',
  from: 'lg',
  cell: (row) => (
    <span className="block max-w-64" title={row.models.join(', ')}>
      <span className="flex items-center gap-1.5">
        <code className="truncate text-xs">{row.models[0] ?? '–'}</code>
        {row.models.length > 1 ? <Mark>+{row.models.length - 1}</Mark> : null}
      </span>
      <span className="block truncate text-xs text-ink-2">{row.providers.join(', ')}</span>
    </span>
  ),
}

/** What something cost; a dash where nothing of it has a price. */
export function Cost({
  micros,
  exact = false,
}: {
  readonly micros: number | null
  /** Where there is room, and no column to stand in. */
  readonly exact?: boolean
}) {
  return micros === null ? (
    <span className="text-ink-3" title="Not known: no answer, or no price of its model">
      –
    </span>
  ) : (
    <span className="whitespace-nowrap" title={exact ? undefined : dollars(micros)}>
      {exact ? dollars(micros) : money(micros)}
    </span>
  )
}
