import { useMutation, useQuery } from '@tanstack/react-query'
import { SlidersHorizontal } from 'lucide-react'
import { type FormEvent, useState } from 'react'

import { createBuild, type PreviewParameter, type Workspace } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useAddress } from '../navigation/address.ts'
import { useGo } from '../navigation/app-link.tsx'
import { FaultSummary, formFaults, ParameterFields } from '../parameters/parameter-fields.tsx'
import { useParameterForm } from '../parameters/use-parameter-form.ts'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { Spinner } from '../ui/spinner.tsx'
import { restartWorkspace } from './perform.ts'
import { buildParametersQuery, showBuild } from './queries.ts'
import { useWorkspace } from './workspace-context.ts'
import { isMoving } from './workspace-look.ts'

/** `/@owner/workspace/parameters`: the values of the next build (UI-741). */
export function ParametersPage() {
  const { workspace } = useWorkspace()
  const [search] = useAddress()
  const present = useQuery(buildParametersQuery(workspace.latest_build.id))
  const versionId = search.templateVersionId ?? workspace.latest_build.template_version_id
  if (present.data === undefined)
    return present.isError ? (
      <ErrorNotice
        error={present.error}
        title="The parameters could not be read"
        onRetry={() => void present.refetch()}
      />
    ) : (
      <AfterDelay>
        <div className="skeleton h-64 rounded-card" />
      </AfterDelay>
    )
  return (
    <ParametersForm
      key={`${versionId} ${workspace.latest_build.id}`}
      workspace={workspace}
      versionId={versionId}
      present={Object.fromEntries(present.data.map(({ name, value }) => [name, value]))}
    />
  )
}

function ParametersForm({
  workspace,
  versionId,
  present,
}: {
  readonly workspace: Workspace
  readonly versionId: string
  readonly present: Readonly<Record<string, string>>
}) {
  const go = useGo()
  const online = useOnline()
  const { form, view, error } = useParameterForm(versionId, workspace.owner_id, present)
  const [attempted, setAttempted] = useState(false)
  const [asking, setAsking] = useState(false)
  const running = workspace.latest_build.status === 'running'
  const save = useMutation({
    mutationFn: async () => {
      await form.settled()
      if (formFaults(form.view()).length > 0) return false
      const request = { template_version_id: versionId, rich_parameter_values: form.submission() }
      if (running) await restartWorkspace(workspace, request)
      else
        showBuild(
          workspace,
          await api.call(createBuild, {
            params: { workspace: workspace.id },
            body: { transition: 'start', reason: 'dashboard', ...request },
          }),
        )
      return true
    },
    onSuccess: (saved) => {
      setAsking(false)
      if (saved) go(paths.workspace(workspace.owner_name, workspace.name))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setAttempted(true)
    if (save.isPending) return
    if (running && formFaults(view).length === 0) setAsking(true)
    else if (!running) save.mutate()
  }
  if (view.parameters?.length === 0 && view.diagnostics.length === 0)
    return (
      <div className="rounded-card border border-line bg-surface">
        <EmptyState icon={SlidersHorizontal} title="This template has no parameters">
          There is nothing to set: every workspace of {workspace.template_name} is alike.
        </EmptyState>
      </div>
    )
  const moving = isMoving(workspace.latest_build.status)
  const locked = ({ name, mutable }: PreviewParameter) =>
    mutable || present[name] === undefined ? undefined : 'Chosen when the workspace was created.'
  const fixed =
    versionId === workspace.latest_build.template_version_id &&
    view.parameters?.every((parameter) => locked(parameter) !== undefined) === true
  return (
    <form onSubmit={submit} noValidate className="flex max-w-3xl flex-col gap-4">
      {asking ? null : <ErrorNotice error={save.error} title="The parameters were not saved" />}
      {error === undefined ? null : <ErrorNotice error={error} title="The parameters could not be read" />}
      {attempted && !save.isPending ? <FaultSummary view={view} /> : null}
      <Section
        title="Parameters"
        help={
          fixed
            ? 'None of them can be changed any more.'
            : running
              ? 'Changes take effect when the workspace restarts.'
              : 'Changes take effect with the next start.'
        }
      >
        <ParameterFields form={form} view={view} strict={attempted} locked={locked} />
      </Section>
      <div className="flex items-center justify-end gap-3">
        <span role="status" className="mr-auto flex items-center gap-1.5 text-sm text-ink-2">
          {moving ? (
            'Wait until the current build ends.'
          ) : view.validating ? (
            <>
              <Spinner /> Checking the values
            </>
          ) : null}
        </span>
        {fixed ? null : (
          <Button
            type="submit"
            tone="primary"
            busy={save.isPending}
            disabled={!online || moving || view.parameters === undefined}
          >
            {running ? 'Save and restart' : 'Save and start'}
          </Button>
        )}
      </div>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={`Restart ${workspace.name}?`}
        description="Running processes, terminals and unsaved work in it are lost."
        verb="Save and restart"
        busy={save.isPending}
        error={save.error}
        onConfirm={() => save.mutate()}
      />
    </form>
  )
}
