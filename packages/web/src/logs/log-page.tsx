import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'

import type { Route } from '@slipway/contract'
import { filterFault } from '../api/errors.ts'
import type { ListAddress } from '../navigation/list-address.ts'
import { organizationsQuery, type Permission } from '../session/queries.ts'
import { usePermissions, useSeveralOrganizations } from '../session/session.tsx'
import { FilterBar } from '../ui/filter-bar.tsx'
import type { FilterKey } from '../ui/filter-completion.ts'
import { FilterMenu } from '../ui/filter-menu.tsx'
import { ListView } from '../ui/list-view.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { countText } from '../ui/pagination.tsx'
import { NoPermission } from '../users/no-permission.tsx'
import { LogActions } from './log-actions.tsx'

interface LogPageProps<Answer extends { readonly count: number; readonly count_cap?: number }> {
  /** What the log is called, with a capital letter. */
  readonly title: string
  readonly entry: readonly [one: string, several: string]
  readonly permission: Permission
  readonly address: ListAddress
  readonly list: UseQueryResult<Answer>
  /** The operation that answers all entries of a search as a file. */
  readonly file: Route
  readonly placeholder: string
  readonly presets: readonly { readonly label: string; readonly filter: string }[]
  readonly keys: readonly FilterKey[]
  /** Menus that write the filter, before that of organizations and after it. */
  readonly menus: ReactNode
  readonly moreMenus?: ReactNode
  readonly children: ReactNode
}

/** A log of the deployment: searched by a filter, read page by page and anew by hand, and kept as a file. */
export function LogPage<Answer extends { readonly count: number; readonly count_cap?: number }>({
  title,
  entry: [one, several],
  permission,
  address,
  list,
  file,
  placeholder,
  presets,
  keys,
  menus,
  moreMenus = null,
  children,
}: LogPageProps<Answer>) {
  const { filter, setFilter } = address
  const permissions = usePermissions()
  const severalOrganizations = useSeveralOrganizations()
  const organizations = useQuery(organizationsQuery).data ?? []
  const { data } = list
  const name = title.toLowerCase()
  if (permissions?.[permission] === false)
    return <NoPermission what={`read the ${name}`} permission={permission} />
  return (
    <Page width="wide">
      <PageHeader
        title={title}
        context={
          data === undefined
            ? '\u00a0'
            : `${countText(data.count, data.count_cap)} ${data.count === 1 ? one : several}`
        }
        actions={
          <LogActions
            file={file}
            filter={filter}
            readAt={list.dataUpdatedAt}
            busy={list.isFetching && !list.isPending}
            onRefresh={() => void list.refetch()}
          />
        }
      />
      <FilterBar
        label={`Filter the ${name}`}
        placeholder={placeholder}
        value={filter}
        onChange={setFilter}
        presets={presets}
        keys={keys}
        error={filterFault(list.error)}
        menus={
          <>
            {menus}
            {severalOrganizations ? (
              <FilterMenu
                label="Organization"
                filterKey="organization"
                options={organizations.map(({ name: value, display_name }) => ({
                  value,
                  label: display_name || value,
                }))}
                filter={filter}
                onChange={setFilter}
              />
            ) : null}
            {moreMenus}
          </>
        }
      />
      <ListView
        list={list}
        address={address}
        failure={`The ${name} could not be read`}
        count={data?.count}
        cap={data?.count_cap}
      >
        {children}
      </ListView>
    </Page>
  )
}
