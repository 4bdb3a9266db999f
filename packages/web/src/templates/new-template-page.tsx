import { useQuery } from '@tanstack/react-query'
import { ArrowLeft, FileUp, Lock } from 'lucide-react'
import { useState } from 'react'

import type { TemplateExample } from '@slipway/contract'
import { useAddress } from '../navigation/address.ts'
import { usePermissions } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Page } from '../ui/page.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { ImportForm } from './import-form.tsx'
import { examplesQuery } from './queries.ts'

/** `/templates/new`: from a starter or from an archive (UI-1003). */
export function NewTemplatePage() {
  const [search, change] = useAddress()
  const permissions = usePermissions()
  const examples = useQuery(examplesQuery)
  const [file, setFile] = useState<File>()
  const example = examples.data?.find(({ id }) => id === search.exampleId)
  if (permissions?.createTemplates === false)
    return (
      <EmptyState page icon={Lock} title="You may not create templates">
        Ask an administrator of this deployment for the template admin role.
      </EmptyState>
    )
  const chosen = example ?? file
  return (
    <Page width="narrow">
      <PageHeader
        title="New template"
        documentTitle="New template - Templates"
        context={
          example !== undefined
            ? `From the example “${example.name}”`
            : file !== undefined
              ? `from ${file.name}`
              : 'Start from an example, or upload your own.'
        }
        actions={
          chosen === undefined ? null : (
            <Button
              icon={<ArrowLeft className="size-3.5" />}
              onClick={() => {
                setFile(undefined)
                change({ exampleId: undefined }, true)
              }}
            >
              Choose another
            </Button>
          )
        }
      />
      {chosen === undefined ? (
        <div className="flex flex-col gap-6">
          <ErrorNotice
            error={examples.error}
            title="The examples could not be read"
            onRetry={() => void examples.refetch()}
          />
          {examples.data === undefined ? (
            examples.isError ? null : (
              <AfterDelay>
                <div className="skeleton h-24 rounded-card" />
              </AfterDelay>
            )
          ) : (
            <ul className="grid gap-3 sm:grid-cols-2">
              {examples.data.map((one) => (
                <li key={one.id}>
                  <Starter example={one} onChoose={() => change({ exampleId: one.id }, true)} />
                </li>
              ))}
            </ul>
          )}
          <Drop onFile={setFile} />
        </div>
      ) : (
        <ImportForm key={example?.id ?? file?.name} source={example ?? chosen} />
      )}
    </Page>
  )
}

function Starter({
  example,
  onChoose,
}: {
  readonly example: TemplateExample
  readonly onChoose: () => void
}) {
  return (
    <button
      type="button"
      onClick={onChoose}
      className="flex size-full items-start gap-3 rounded-card border border-line bg-surface p-4 text-left transition-colors duration-(--fast) hover:border-line-strong hover:bg-hover"
    >
      <ThingIcon src={example.icon} className="size-6" />
      <span className="min-w-0">
        <span className="block font-medium">{example.name}</span>
        <span className="block text-sm text-ink-2">{example.description}</span>
        <span className="mt-2 flex flex-wrap gap-1.5 text-xs text-ink-3">{example.tags.join(' · ')}</span>
      </span>
    </button>
  )
}

function Drop({ onFile }: { readonly onFile: (file: File) => void }) {
  const [over, setOver] = useState(false)
  return (
    <label
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        const file = event.dataTransfer.files[0]
        if (file !== undefined) onFile(file)
      }}
      className={`flex cursor-pointer flex-col items-center gap-1 rounded-card border border-dashed px-4 py-8 text-center transition-colors duration-(--fast) has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-accent ${over ? 'border-accent bg-accent-wash' : 'border-line-strong hover:bg-hover'}`}
    >
      <FileUp className="mb-1 size-5 text-ink-3" strokeWidth={1.5} aria-hidden="true" />
      <span className="text-sm font-medium">Upload an archive</span>
      <span className="text-sm text-ink-2">
        Drop a .tar or .zip with a template.ts in it here, or choose one.
      </span>
      <input
        type="file"
        accept=".tar,.zip,application/x-tar,application/zip"
        className="sr-only"
        onChange={(event) => {
          const file = event.target.files?.[0]
          if (file !== undefined) onFile(file)
        }}
      />
    </label>
  )
}
