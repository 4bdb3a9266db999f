import { useMutation, useQuery } from '@tanstack/react-query'
import { CircleDollarSign, History, Plus } from 'lucide-react'
import { useState } from 'react'

import { type AIModelPrice, deleteAIModelPrice } from '@slipway/contract'
import { AiTabs } from '../ai-providers/ai-tabs.tsx'
import { Gate } from '../ai-providers/gate.tsx'
import { PROVIDER_KINDS } from '../ai-providers/provider-types.ts'
import { api, queries } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useListAddress } from '../navigation/list-address.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import { FilterMenu } from '../ui/filter-menu.tsx'
import { Mark } from '../ui/form.tsx'
import { ListView, NothingFound } from '../ui/list-view.tsx'
import { Menu } from '../ui/menu.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { PAGE_SIZE } from '../ui/pagination.tsx'
import { type Column, Table } from '../ui/table.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { toasts } from '../ui/toast.tsx'
import { keyOf, matching, type PricedModel, pricedModels, providerLabel } from './model-prices.ts'
import { priceText } from './money.ts'
import { PriceDialog } from './price-dialog.tsx'
import { PriceHistory } from './price-history.tsx'
import { pricesQuery } from './queries.ts'

const SOURCES = [
  { value: 'custom', label: 'Set here' },
  { value: 'default', label: 'Of the release' },
]
const TYPES = PROVIDER_KINDS.filter(({ type }) => type !== 'openai-compat').map(({ type, label }) => ({
  value: type,
  label,
}))
const KEYS = [
  { key: 'provider', about: 'type of the provider', values: TYPES.map(({ value }) => value) },
  { key: 'source', about: 'who has set it', values: SOURCES.map(({ value }) => value) },
]
const PRESETS = [
  { label: 'All', filter: '' },
  { label: 'Set here', filter: 'source:custom' },
]

/** `/ai/settings/prices`: what models cost (AG-108, AG-109). */
export function PricesPage() {
  return (
    <Gate what="see what models cost" permission="editDeploymentConfig">
      {() => <Prices />}
    </Gate>
  )
}

function Prices() {
  const online = useOnline()
  const address = useListAddress()
  const { filter, setFilter, page } = address
  const prices = useQuery(pricesQuery)
  const [asked, setAsked] = useState<'new' | PricedModel>()
  const [history, setHistory] = useState<'all' | PricedModel>()
  const found = prices.data === undefined ? undefined : matching(pricedModels(prices.data), filter)
  const back = useMutation({
    mutationFn: ({ provider, model }: PricedModel) =>
      api.call(deleteAIModelPrice, { query: { provider, model } }),
    onSuccess: async (_, { model, release }) => {
      await queries.invalidateQueries({ queryKey: pricesQuery.queryKey })
      toasts.done(
        release === undefined
          ? `${model} no longer has a price`
          : `${model} has the price of the release again`,
      )
    },
    onError: (error) => toasts.failed('The price was not changed', error),
  })
  const create = (
    <Button tone="primary" icon={<Plus className="size-4" />} onClick={() => setAsked('new')}>
      New price
    </Button>
  )
  return (
    <Page>
      <PageHeader
        title="Model prices"
        documentTitle="Prices - AI"
        context="Dollars per million tokens. Each release brings prices; prices set here take precedence."
        actions={
          <>
            <Button icon={<History className="size-4" />} onClick={() => setHistory('all')}>
              History
            </Button>
            {create}
          </>
        }
      />
      <AiTabs />
      <FilterBar
        label="Filter prices"
        placeholder="model name, provider:anthropic"
        value={filter}
        onChange={setFilter}
        presets={PRESETS}
        keys={KEYS}
        menus={
          <FilterMenu
            label="Provider"
            filterKey="provider"
            options={TYPES}
            filter={filter}
            onChange={setFilter}
          />
        }
      />
      <ListView list={prices} address={address} failure="The prices could not be read" count={found?.length}>
        <Table
          label="Model prices"
          columns={
            found?.some(({ custom }) => custom !== undefined) === true ? [...COLUMNS, CHANGED] : COLUMNS
          }
          rows={found?.slice((page - 1) * PAGE_SIZE, page * PAGE_SIZE)}
          rowKey={keyOf}
          rowLabel={(row) => row.model}
          dense
          actions={(row) => (
            <Menu
              label={`Actions for ${row.model}`}
              groups={[
                [
                  {
                    id: 'edit',
                    label: row.custom === undefined ? 'Change the price' : 'Edit',
                    disabled: !online,
                    onSelect: () => setAsked(row),
                  },
                  { id: 'history', label: 'History', onSelect: () => setHistory(row) },
                ],
                row.custom === undefined
                  ? []
                  : [
                      {
                        id: 'back',
                        label:
                          row.release === undefined ? 'Remove the price' : 'Use the price of the release',
                        hint:
                          row.release === undefined ? 'Its cost will be unknown' : releaseWords(row.release),
                        disabled: !online,
                        onSelect: () => back.mutate(row),
                      },
                    ],
              ]}
            />
          )}
          empty={
            address.narrowed ? (
              <NothingFound icon={CircleDollarSign} title="No models match the filter" address={address} />
            ) : (
              <EmptyState icon={CircleDollarSign} title="No model has a price" action={create}>
                Tokens are counted, but their cost is unknown until their model has a price.
              </EmptyState>
            )
          }
        />
      </ListView>
      {history === undefined ? null : (
        <PriceHistory of={history === 'all' ? undefined : history} onClose={() => setHistory(undefined)} />
      )}
      {asked === undefined ? null : (
        <PriceDialog
          key={asked === 'new' ? 'new' : keyOf(asked)}
          model={asked === 'new' ? undefined : asked}
          onClose={() => setAsked(undefined)}
        />
      )}
    </Page>
  )
}

function releaseWords({ input_price: input, output_price: output }: AIModelPrice): string {
  const words = (micros: number | null) => (micros === null ? 'unknown' : priceText(micros))
  return `${words(input)} in, ${words(output)} out`
}

function Price({ micros }: { readonly micros: number | null }) {
  return micros === null ? (
    <span className="text-ink-3" title="Unknown; not counted">
      –
    </span>
  ) : (
    <span className="whitespace-nowrap">{priceText(micros)}</span>
  )
}

const COLUMNS: readonly Column<PricedModel>[] = [
  {
    id: 'model',
    header: 'Model',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-2">
        <bdi className="truncate font-mono text-[13px] font-medium">{row.model}</bdi>
        {row.custom === undefined ? null : <Mark>Set here</Mark>}
      </span>
    ),
  },
  {
    id: 'provider',
    header: 'Provider',
    from: 'md',
    cell: (row) => <span className="whitespace-nowrap text-ink-2">{providerLabel(row.provider)}</span>,
  },
  {
    id: 'input',
    header: 'Input',
    align: 'end',
    className: '@max-xl:pl-4',
    cell: (row) => (
      <>
        <span className="text-xs text-ink-2 @xl:hidden">in </span>
        <Price micros={row.price.input_price} />
        <span className="text-xs text-ink-2 @xl:hidden"> · out </span>
        <span className="@xl:hidden">
          <Price micros={row.price.output_price} />
        </span>
      </>
    ),
  },
  {
    id: 'output',
    header: 'Output',
    align: 'end',
    from: 'sm',
    cell: (row) => <Price micros={row.price.output_price} />,
  },
  {
    id: 'cache-read',
    header: 'Cache read',
    align: 'end',
    from: 'lg',
    cell: (row) => <Price micros={row.price.cache_read_price} />,
  },
  {
    id: 'cache-write',
    header: 'Cache write',
    align: 'end',
    from: 'lg',
    cell: (row) => <Price micros={row.price.cache_write_price} />,
  },
]

/** Only where something was changed. */
const CHANGED: Column<PricedModel> = {
  id: 'updated',
  header: 'Changed',
  from: 'xl',
  cell: (row) => (
    <span className="whitespace-nowrap text-ink-2">
      {row.custom === undefined ? '' : <TimeAgo time={row.custom.updated_at} />}
    </span>
  ),
}
