import type { OrganizationAISpendDaily } from '@slipway/contract'
import { money } from '../ai-gateway/money.ts'
import { useAddress } from '../navigation/address.ts'
import { BarChart } from '../ui/bar-chart.tsx'
import { Button } from '../ui/button.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { dayLabel, modelKey } from './spend-words.ts'

const VIEWS = [
  { id: 'chart', label: 'Chart' },
  { id: 'table', label: 'Table' },
] as const

type Day = OrganizationAISpendDaily['days'][number]

/** What each day cost, as bars or as a table; of one model when one is picked. */
export function DailyChart({ spend }: { readonly spend: OrganizationAISpendDaily }) {
  const [search, change] = useAddress()
  const view = search.view === 'table' ? 'table' : 'chart'
  const model = spend.models.find((one) => modelKey(one) === search.model)
  const partOf = (day: string) =>
    model === undefined
      ? undefined
      : (spend.model_days.find((one) => one.day === day && modelKey(one) === modelKey(model))?.cost_micros ??
        0)
  return (
    <Section
      title="Cost by day"
      help={
        model === undefined ? (
          'All models. Choose one below to see its share.'
        ) : (
          <>
            The part of <code>{model.model}</code> in colour
          </>
        )
      }
      flush={view === 'table'}
      actions={
        <span className="flex flex-wrap items-center gap-2">
          {model === undefined ? null : (
            <Button size="dense" onClick={() => change({ model: undefined })}>
              All models
            </Button>
          )}
          <Segmented
            label="Show as"
            options={VIEWS}
            value={view}
            onChange={(next) => change({ view: next === 'table' ? next : undefined })}
          />
        </span>
      }
    >
      {view === 'chart' ? (
        <BarChart
          label="Cost of each day"
          bars={spend.days.map(({ day, cost_micros }) => {
            const part = partOf(day)
            return {
              id: day,
              label: dayLabel(day),
              value: cost_micros,
              ...(part === undefined ? {} : { part }),
            }
          })}
          format={money}
          {...(model === undefined ? {} : { partLabel: `for ${model.model}` })}
        />
      ) : (
        <Table
          label="Cost by day"
          columns={columnsOf(model?.model, partOf)}
          rows={[...spend.days].reverse()}
          rowKey={(row) => row.day}
          rowLabel={(row) => row.day}
          dense
          empty={null}
        />
      )}
    </Section>
  )
}

function columnsOf(
  model: string | undefined,
  partOf: (day: string) => number | undefined,
): readonly Column<Day>[] {
  return [
    {
      id: 'day',
      header: 'Day',
      cell: (row) => <time dateTime={row.day}>{dayLabel(row.day)}</time>,
    },
    {
      id: 'requests',
      header: 'Requests',
      align: 'end',
      from: 'sm',
      cell: (row) => row.requests.toLocaleString('en-US'),
    },
    {
      id: 'in',
      header: 'Tokens in',
      align: 'end',
      from: 'md',
      cell: (row) =>
        (row.input_tokens + row.cache_read_tokens + row.cache_write_tokens).toLocaleString('en-US'),
    },
    {
      id: 'out',
      header: 'Tokens out',
      align: 'end',
      from: 'md',
      cell: (row) => row.output_tokens.toLocaleString('en-US'),
    },
    ...(model === undefined
      ? []
      : [
          {
            id: 'part',
            header: model,
            align: 'end' as const,
            className: '@max-xl:pl-4',
            cell: (row: Day) => money(partOf(row.day) ?? 0),
          },
        ]),
    {
      id: 'cost',
      header: 'Cost',
      align: 'end',
      cell: (row) => money(row.cost_micros),
      className: '@max-xl:pl-4',
    },
  ]
}
