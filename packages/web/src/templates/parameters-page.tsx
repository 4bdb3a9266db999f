import { useQuery } from '@tanstack/react-query'
import { SlidersHorizontal } from 'lucide-react'

import type { TemplateVersionParameter } from '@slipway/contract'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Mark } from '../ui/form.tsx'
import { Markdown } from '../ui/markdown.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { ThingIcon } from '../ui/thing-icon.tsx'
import { versionParametersQuery } from './queries.ts'
import { useTemplate } from './template-context.ts'

/** What a workspace of this template asks for. */
export function TemplateParametersPage() {
  const { template } = useTemplate()
  const parameters = useQuery(versionParametersQuery(template.active_version_id))
  if (parameters.data === undefined)
    return parameters.isError ? (
      <ErrorNotice
        error={parameters.error}
        title="The parameters could not be read"
        onRetry={() => void parameters.refetch()}
      />
    ) : (
      <AfterDelay>
        <div className="skeleton h-40 rounded-card" />
      </AfterDelay>
    )
  if (parameters.data.length === 0)
    return (
      <div className="rounded-card border border-line bg-surface">
        <EmptyState icon={SlidersHorizontal} title="No parameters">
          Creating a workspace from this template takes only a name.
        </EmptyState>
      </div>
    )
  return (
    <ul className="rounded-card border border-line bg-surface">
      {parameters.data.map((parameter) => (
        <li key={parameter.name} className="flex gap-4 border-b border-line px-4 py-4 last:border-0">
          {parameter.icon === '' ? null : <ThingIcon src={parameter.icon} className="mt-0.5 size-5" />}
          <Parameter parameter={parameter} />
        </li>
      ))}
    </ul>
  )
}

function Parameter({ parameter }: { readonly parameter: TemplateVersionParameter }) {
  const title =
    parameter.display_name === undefined || parameter.display_name === ''
      ? parameter.name
      : parameter.display_name
  const fallback =
    parameter.options.find(({ value }) => value === parameter.default_value)?.name ?? parameter.default_value
  return (
    <div className="flex min-w-0 flex-1 flex-col gap-1.5">
      <div className="flex flex-wrap items-center gap-2">
        <h2 className="text-base font-medium">{title}</h2>
        <code className="text-xs text-ink-3">{parameter.name}</code>
        <Mark>{parameter.type}</Mark>
        {parameter.required ? <Mark>Required</Mark> : null}
        {parameter.mutable ? null : <Mark>Cannot be changed later</Mark>}
        {parameter.ephemeral ? <Mark>Each build</Mark> : null}
      </div>
      {parameter.description === '' ? null : (
        <div className="text-sm text-ink-2">
          <Markdown text={parameter.description} size="small" />
        </div>
      )}
      <p className="text-sm text-ink-2">
        {parameter.required ? (
          'Has no default.'
        ) : fallback === '' ? (
          'Empty by default.'
        ) : (
          <>
            Default: <code>{fallback}</code>.
          </>
        )}
        {bounds(parameter)}
      </p>
      {parameter.options.length === 0 ? null : (
        <ul className="mt-1 flex flex-wrap gap-1.5">
          {parameter.options.map((option) => (
            <li
              key={option.value}
              title={option.description}
              className="inline-flex items-center gap-1.5 rounded-control border border-line px-2 py-0.5 text-sm"
            >
              {option.icon === '' ? null : <ThingIcon src={option.icon} className="size-4" />}
              {option.name}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

/** The numbers that are allowed, as a sentence; nothing when all are. */
function bounds({ validation_min: min, validation_max: max }: TemplateVersionParameter): string {
  const least = min ?? undefined
  const most = max ?? undefined
  if (least !== undefined && most !== undefined) return ` From ${least} to ${most}.`
  if (least !== undefined) return ` At least ${least}.`
  return most === undefined ? '' : ` At most ${most}.`
}
