import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Link2, X } from 'lucide-react'
import { useState } from 'react'

import {
  listOrganizations,
  listTemplates,
  listUsers,
  listWorkspaces,
  type Workspace,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { describeError } from '../api/errors.ts'
import { Button } from '../ui/button.tsx'
import { Combobox, type ComboboxOption } from '../ui/combobox.tsx'
import { Select } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { useSettled } from '../ui/use-settled.ts'
import {
  type AllowEntry,
  MAX_ENTRIES,
  missingCompanions,
  OTHER_KINDS,
  SEARCHED_KINDS,
  uuidOf,
  type WorkspaceParts,
  withEntry,
} from './allow-list.ts'
import { kindWord } from './token-scopes.ts'

const SETTLE_MS = 150
const FOUND = 20

/** A resource that was found by its name; workspaces bring what belongs to them. */
interface Found {
  readonly entry: AllowEntry
  readonly note: string
  readonly parts?: WorkspaceParts
}

interface AllowListPickerProps {
  /** Undefined is everything. */
  readonly value: readonly AllowEntry[] | undefined
  readonly onChange: (list: readonly AllowEntry[] | undefined) => void
}

/** On which resources a token may do what its scopes allow (UI-1504). */
export function AllowListPicker({ value, onChange }: AllowListPickerProps) {
  const [kind, setKind] = useState<string>('workspace')
  const [parts, setParts] = useState<ReadonlyMap<string, WorkspaceParts>>(new Map())
  const list = value ?? []
  const add = ({ entry, parts: own }: Omit<Found, 'note'>) => {
    if (own !== undefined) setParts(new Map([...parts, [entry.id, own]]))
    onChange(withEntry(list, entry))
  }
  const companions = missingCompanions(
    list,
    list.flatMap(({ kind: one, id }) => {
      const known = one === 'workspace' ? parts.get(id) : undefined
      return known === undefined ? [] : [known]
    }),
  )
  return (
    <div className="flex flex-col gap-4">
      <Segmented
        label="Resources"
        options={[
          { id: 'all', label: 'Everything' },
          { id: 'some', label: 'Only these' },
        ]}
        value={value === undefined ? 'all' : 'some'}
        onChange={(next) => onChange(next === 'all' ? undefined : [])}
      />
      {value === undefined ? null : (
        <>
          <div className="flex flex-wrap gap-2">
            <div className="w-44">
              <Select
                aria-label="Kind of resource"
                value={kind}
                options={[...SEARCHED_KINDS, ...OTHER_KINDS].map((one) => ({
                  value: one,
                  label: sentence(kindWord(one)),
                }))}
                onChange={(event) => setKind(event.target.value)}
              />
            </div>
            <div className="min-w-52 flex-1">
              <ResourceSearch key={kind} kind={kind} full={list.length >= MAX_ENTRIES} onAdd={add} />
            </div>
          </div>
          <Entries list={list} onRemove={(entry) => onChange(list.filter((one) => one !== entry))} />
          {companions.length === 0 ? null : (
            <Notice
              tone="info"
              title="With these alone the token can only look at the workspace"
              action={
                <Button
                  size="dense"
                  icon={<Link2 className="size-3.5" aria-hidden="true" />}
                  onClick={() => onChange(companions.reduce((so, entry) => withEntry(so, entry), list))}
                >
                  Add them
                </Button>
              }
            >
              To start, stop or change it, it must also reach its template, its owner and the owner's
              membership.
            </Notice>
          )}
        </>
      )}
    </div>
  )
}

function Entries({
  list,
  onRemove,
}: {
  readonly list: readonly AllowEntry[]
  readonly onRemove: (entry: AllowEntry) => void
}) {
  if (list.length === 0) return <p className="text-sm text-ink-2">None yet. Search above, or paste an id.</p>
  return (
    <ul aria-label="Chosen resources" className="max-h-72 overflow-y-auto rounded-control border border-line">
      {list.map((entry) => (
        <li
          key={`${entry.kind}:${entry.id}`}
          className="flex min-h-9 items-center gap-3 border-b border-line pl-3 pr-1 text-sm last:border-0"
        >
          <span className="w-36 shrink-0 truncate text-ink-2 max-sm:w-24">
            {sentence(kindWord(entry.kind))}
          </span>
          <bdi className="min-w-0 flex-1 truncate font-medium">{entry.id === '*' ? 'All' : entry.name}</bdi>
          <button
            type="button"
            aria-label={`Remove ${kindWord(entry.kind)} ${entry.id === '*' ? 'all' : entry.name}`}
            onClick={() => onRemove(entry)}
            className="inline-flex size-7 shrink-0 items-center justify-center rounded-control text-ink-3 hover:bg-hover hover:text-ink pointer-coarse:size-10"
          >
            <X className="size-3.5" />
          </button>
        </li>
      ))}
    </ul>
  )
}

function ResourceSearch({
  kind,
  full,
  onAdd,
}: {
  readonly kind: string
  readonly full: boolean
  readonly onAdd: (found: Omit<Found, 'note'>) => void
}) {
  const [text, setText] = useState('')
  const settled = useSettled(text, SETTLE_MS)
  const searched = SEARCHED_KINDS.some((one) => one === kind)
  const found = useQuery({
    queryKey: ['allow-list-search', kind, settled],
    queryFn: ({ signal }) => search(kind, settled.replace(/[":]/g, ' ').trim(), signal),
    enabled: searched,
    placeholderData: keepPreviousData,
  })
  const pasted = uuidOf(text)
  const matches = searched ? found.data : []
  const all: AllowEntry = { kind, id: '*', name: '*' }
  const offers: readonly Found[] = [
    ...(text.trim() === '' ? [{ entry: all, note: 'Those that are made later, too' }] : []),
    ...(pasted === undefined ? [] : [{ entry: { kind, id: pasted, name: pasted }, note: 'By its id' }]),
    ...(matches ?? []),
  ]
  const options: readonly ComboboxOption[] = offers.map(({ entry, note }) => ({
    id: entry.id,
    label: entry.id === '*' ? `All of this kind` : entry.name,
    note,
  }))
  return (
    <Combobox
      label={`Find a ${kindWord(kind)}`}
      placeholder={full ? `${MAX_ENTRIES} is the most` : searched ? 'Name or id' : 'Id, or all of this kind'}
      disabled={full}
      text={text}
      onText={setText}
      options={matches === undefined && !found.isError ? undefined : options}
      empty={found.isError ? describeError(found.error).message : 'Nothing found'}
      onChoose={({ id }) => {
        setText('')
        const chosen = offers.find(({ entry }) => entry.id === id)
        if (chosen !== undefined) onAdd(chosen)
      }}
    />
  )
}

async function search(kind: string, text: string, signal: AbortSignal): Promise<readonly Found[]> {
  const named = (name: string) => name.toLowerCase().includes(text.toLowerCase())
  switch (kind) {
    case 'workspace': {
      const { workspaces } = await api.call(listWorkspaces, {
        query: { limit: FOUND, ...(text === '' ? {} : { q: text }) },
        signal,
      })
      return workspaces.map(workspaceFound)
    }
    case 'template': {
      const templates = await api.call(listTemplates, { signal })
      return templates
        .filter(({ name, display_name: title }) => named(name) || named(title))
        .slice(0, FOUND)
        .map(({ id, name, display_name: title }) => ({ entry: { kind, id, name }, note: title }))
    }
    case 'user': {
      const { users } = await api.call(listUsers, {
        query: { limit: FOUND, ...(text === '' ? {} : { q: text }) },
        signal,
      })
      return users.map(({ id, username, email }) => ({ entry: { kind, id, name: username }, note: email }))
    }
    case 'organization': {
      const organizations = await api.call(listOrganizations, { signal })
      return organizations
        .filter(({ name, display_name: title }) => named(name) || named(title))
        .map(({ id, name, display_name: title }) => ({ entry: { kind, id, name }, note: title }))
    }
    default:
      return []
  }
}

function workspaceFound({ id, name, ...workspace }: Workspace): Found {
  return {
    entry: { kind: 'workspace', id, name },
    note: `of ${workspace.owner_name}, ${workspace.template_name}`,
    parts: {
      template: { kind: 'template', id: workspace.template_id, name: workspace.template_name },
      owner: { kind: 'user', id: workspace.owner_id, name: workspace.owner_name },
    },
  }
}

function sentence(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
