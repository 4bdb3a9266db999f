import { useMutation, useQuery } from '@tanstack/react-query'
import { useBlocker } from '@tanstack/react-router'
import { CircleAlert, CircleCheck, FileUp } from 'lucide-react'
import { type DragEvent, useRef, useState } from 'react'

import { importUserSecrets, type SecretsFileFormat } from '@slipway/contract'
import { api } from '../api/client.ts'
import { describeError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { AppLink, useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshSecrets, secretsQuery } from './queries.ts'
import { formatOfName, MAX_FILE_BYTES, type PreviewRow, previewOf } from './read-secrets-file.ts'

interface ChosenFile {
  /** Stands for the content, which is too long to compare. */
  readonly id: number
  readonly name: string
  readonly content: string
  readonly format: SecretsFileFormat
}

const FORMATS = [
  { id: 'env', label: '.env' },
  { id: 'json', label: 'JSON' },
  { id: 'yaml', label: 'YAML' },
] as const satisfies readonly { readonly id: SecretsFileFormat; readonly label: string }[]

/** `/settings/secrets/import`: a file of secrets, looked at before it is taken (UI-1507, ID-199). */
export function ImportSecretsPage() {
  const online = useOnline()
  const go = useGo()
  const secrets = useQuery(secretsQuery)
  const [file, setFile] = useState<ChosenFile>()
  const [unreadable, setUnreadable] = useState<string>()
  const taken = new Set(secrets.data?.map(({ name }) => name) ?? [])
  const preview = useQuery({
    queryKey: ['secrets-preview', file?.id, file?.format, [...taken].join('/')],
    queryFn: () => (file === undefined ? null : previewOf(file.format, file.content, taken)),
    enabled: file !== undefined,
    // What is read here is secret: it does not stay in the cache.
    gcTime: 0,
  })
  const rows = preview.data?.rows ?? []
  // Whether leaving would lose a file that was looked at; read at the moment of leaving, not of drawing.
  const held = useRef(false)
  const bringIn = useMutation({
    mutationFn: ({ format, content }: ChosenFile) =>
      api.call(importUserSecrets, { params: { user: 'me' }, body: { format, content } }),
    onSuccess: async (made) => {
      await refreshSecrets()
      held.current = false
      toasts.done(made.length === 1 ? 'One secret was imported' : `${made.length} secrets were imported`)
      go(paths.settings('secrets'))
    },
  })
  const leaving = useBlocker({
    shouldBlockFn: () => held.current,
    enableBeforeUnload: () => held.current,
    withResolver: true,
  })
  const choose = async (chosen: File | undefined) => {
    if (chosen === undefined) return
    bringIn.reset()
    held.current = false
    setFile(undefined)
    if (chosen.size > MAX_FILE_BYTES) {
      setUnreadable(`${chosen.name} is larger than 1 MiB.`)
      return
    }
    const content = await chosen.text().catch(() => undefined)
    setUnreadable(content === undefined ? `${chosen.name} could not be read.` : undefined)
    if (content === undefined) return
    held.current = true
    setFile({ id: Date.now(), name: chosen.name, content, format: formatOfName(chosen.name) ?? 'env' })
  }
  const refused = refusedRows(bringIn.error)
  const faulty = rows.filter((row, index) => (refused.get(index) ?? row.fault) !== undefined).length
  return (
    <div className="flex flex-col gap-4">
      <Section
        title="Import secrets"
        help="A .env, .json or .yaml file of names and values: at most 1 MiB and 50 secrets. Either all are imported or none."
      >
        <div className="flex flex-col gap-4">
          <FilePicker name={file?.name} onChoose={(chosen) => void choose(chosen)} />
          {unreadable === undefined ? null : <Notice tone="bad" title={unreadable} />}
          {file === undefined ? null : (
            <div className="flex flex-wrap items-center gap-3">
              <span className="text-sm font-medium">Format</span>
              <Segmented
                label="Format"
                options={FORMATS}
                value={file.format}
                onChange={(format) => {
                  bringIn.reset()
                  setFile({ ...file, format })
                }}
              />
            </div>
          )}
          {preview.data?.fault === undefined ? null : (
            <Notice tone="bad" title={`${file?.name ?? 'The file'} cannot be imported`}>
              {preview.data.fault}
            </Notice>
          )}
          <ErrorNotice error={bringIn.error} title="Nothing was imported" />
        </div>
      </Section>
      {rows.length === 0 ? null : <PreviewList rows={rows} refused={refused} />}
      <div className="flex flex-wrap items-center justify-end gap-2">
        {faulty === 0 ? null : (
          <p role="status" className="mr-auto text-sm text-bad">
            {faulty === 1 ? 'One row has a problem.' : `${faulty} rows have problems.`} Repair the file and
            choose it again.
          </p>
        )}
        <AppLink href={paths.settings('secrets')} className={buttonClass({})}>
          Cancel
        </AppLink>
        <Button
          tone="primary"
          busy={bringIn.isPending}
          disabled={!online || rows.length === 0 || rows.some(({ fault }) => fault !== undefined)}
          onClick={() => (file === undefined ? undefined : bringIn.mutate(file))}
        >
          {rows.length === 0
            ? 'Import'
            : rows.length === 1
              ? 'Import one secret'
              : `Import ${rows.length} secrets`}
        </Button>
      </div>
      <ConfirmDialog
        open={leaving.status === 'blocked'}
        onClose={() => leaving.reset?.()}
        title="Leave without importing?"
        description="Nothing from the file has been imported yet."
        verb="Leave"
        busy={false}
        error={null}
        onConfirm={() => leaving.proceed?.()}
      />
    </div>
  )
}

/** What the server says about single rows, by their place (ID-199). */
function refusedRows(error: unknown): ReadonlyMap<number, string> {
  const rows = new Map<number, string>()
  if (error === null) return rows
  for (const { field, detail } of describeError(error).validations) {
    const index = /^secrets\[(\d+)\]\./.exec(field)?.[1]
    if (index !== undefined) rows.set(Number(index), detail)
  }
  return rows
}

function FilePicker({
  name,
  onChoose,
}: {
  readonly name: string | undefined
  readonly onChoose: (file: File | undefined) => void
}) {
  const input = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const drop = (event: DragEvent) => {
    event.preventDefault()
    setOver(false)
    onChoose(event.dataTransfer.files[0])
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is an extra; the button inside does the same
    <div
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={classNames(
        'flex min-h-24 flex-wrap items-center justify-center gap-3 rounded-control border border-dashed px-4 py-5 text-sm text-ink-2',
        over ? 'border-accent bg-accent-wash' : 'border-line-strong',
      )}
    >
      <FileUp className="size-5 text-ink-3" strokeWidth={1.5} aria-hidden="true" />
      <span className="min-w-0 break-all">{name ?? 'Drop a file here, or'}</span>
      <Button size="dense" onClick={() => input.current?.click()}>
        {name === undefined ? 'Choose a file' : 'Choose another file'}
      </Button>
      <input
        ref={input}
        type="file"
        accept=".env,.json,.yaml,.yml,application/json,text/plain"
        aria-label="File of secrets"
        tabIndex={-1}
        className="sr-only"
        onChange={(event) => {
          onChoose(event.target.files?.[0])
          event.target.value = ''
        }}
      />
    </div>
  )
}

function PreviewList({
  rows,
  refused,
}: {
  readonly rows: readonly PreviewRow[]
  readonly refused: ReadonlyMap<number, string>
}) {
  return (
    <Section
      title="Contents of the file"
      help="Values are masked here and stored as they are in the file."
      flush
    >
      <ul>
        {rows.map((row, index) => {
          const fault = refused.get(index) ?? row.fault
          return (
            <li
              // biome-ignore lint/suspicious/noArrayIndexKey: names may be there twice, and rows never move
              key={index}
              className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5 text-sm last:border-0"
            >
              {fault === undefined ? (
                <CircleCheck className="size-4 shrink-0 text-ok" aria-label="Good" />
              ) : (
                <CircleAlert className="size-4 shrink-0 text-bad" aria-label="Not good" />
              )}
              <bdi className="min-w-0 flex-1 basis-40 break-all font-medium">{row.name}</bdi>
              {fault === undefined ? (
                <>
                  <span className="text-xs text-ink-2">{masked(row.value)}</span>
                  <Mark>{row.envName === '' ? 'switched off' : 'variable'}</Mark>
                </>
              ) : (
                <span className="text-xs text-bad first-letter:uppercase">{fault}</span>
              )}
            </li>
          )
        })}
      </ul>
    </Section>
  )
}

function masked(value: string | undefined): string {
  const length = value?.length ?? 0
  return length === 1 ? '1 character' : `${length} characters`
}
