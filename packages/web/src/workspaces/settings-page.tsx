import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useEffect, useRef, useState } from 'react'

import { setAutomaticUpdates, updateWorkspace, type Workspace } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { useHash } from '../navigation/address.ts'
import { useGo } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, LabelledToggle, TextInput } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { toasts } from '../ui/toast.tsx'
import { refreshWorkspace, showWorkspace } from './queries.ts'
import { useWorkspaceActions } from './use-workspace-actions.tsx'
import { useWorkspacePermissions } from './use-workspace-permissions.ts'
import { useWorkspace } from './workspace-context.ts'
import { nameFault } from './workspace-name.ts'

/** `/@owner/workspace/settings`: name, updates, deletion. */
export function SettingsPage() {
  const { workspace } = useWorkspace()
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      <Rename key={workspace.name} workspace={workspace} />
      <Updates workspace={workspace} />
      <Removal workspace={workspace} />
    </div>
  )
}

function Rename({ workspace }: { readonly workspace: Workspace }) {
  const go = useGo()
  const online = useOnline()
  const [name, setName] = useState(workspace.name)
  const wanted = useHash() === 'name'
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    if (wanted) input.current?.select()
  }, [wanted])
  const changed = name.trim() !== workspace.name
  const wrong = changed ? nameFault(name.trim()) : undefined
  const rename = useMutation({
    mutationFn: () =>
      api.call(updateWorkspace, { params: { workspace: workspace.id }, body: { name: name.trim() } }),
    onSuccess: () => {
      const renamed = { ...workspace, name: name.trim() }
      showWorkspace(renamed)
      go(paths.workspaceSettings(renamed.owner_name, renamed.name), { replace: true })
      void queries.invalidateQueries({ queryKey: ['workspaces'] })
      toasts.done(`Renamed to ${renamed.name}`)
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (changed && wrong === undefined && !rename.isPending) rename.mutate()
  }
  return (
    <Section title="General">
      <form onSubmit={submit} className="flex flex-col gap-4">
        <ErrorNotice error={rename.error} title="The workspace was not renamed" />
        <Field
          label="Name"
          error={wrong ?? fieldError(rename.error, 'name')}
          help={
            workspace.allow_renames
              ? 'Links, SSH hosts and anything else that uses the old name stop working.'
              : 'Renaming workspaces is switched off in this deployment.'
          }
        >
          {(field) => (
            <TextInput
              {...field}
              ref={input}
              autoFocus={wanted}
              value={name}
              disabled={!workspace.allow_renames}
              spellCheck={false}
              autoComplete="off"
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        {workspace.allow_renames ? (
          <div className="flex justify-end">
            <Button
              type="submit"
              busy={rename.isPending}
              disabled={!online || !changed || wrong !== undefined}
            >
              Rename
            </Button>
          </div>
        ) : null}
      </form>
    </Section>
  )
}

function Updates({ workspace }: { readonly workspace: Workspace }) {
  const required = workspace.template_require_active_version
  const toggle = useMutation({
    mutationFn: (always: boolean) =>
      api.call(setAutomaticUpdates, {
        params: { workspace: workspace.id },
        body: { automatic_updates: always ? 'always' : 'never' },
      }),
    onMutate: (always) => showWorkspace({ ...workspace, automatic_updates: always ? 'always' : 'never' }),
    onError: () => showWorkspace(workspace),
    onSettled: () => refreshWorkspace(workspace),
  })
  return (
    <Section title="Updates">
      <div className="flex flex-col gap-4">
        <ErrorNotice error={toggle.error} title="The setting was not saved" />
        <LabelledToggle
          kind="switch"
          label="Use the newest version of the template at every start"
          help={
            required
              ? 'The template requires that anyway.'
              : 'Otherwise it keeps its version until you update it.'
          }
          checked={required || workspace.automatic_updates === 'always'}
          disabled={required || toggle.isPending}
          onChange={(always) => toggle.mutate(always)}
        />
      </div>
    </Section>
  )
}

function Removal({ workspace }: { readonly workspace: Workspace }) {
  const permissions = useWorkspacePermissions([workspace], workspace)(workspace)
  const { offered, dialog } = useWorkspaceActions(() => permissions.updateTemplate)
  const remove = offered(workspace).find(({ action }) => action === 'delete')
  return (
    <Section title="Delete">
      <div className="flex flex-wrap items-center gap-x-6 gap-y-3">
        <p className="min-w-0 flex-1 basis-64 text-sm text-ink-2">
          Removes the workspace with everything in it.{' '}
          {remove === undefined ? 'Wait until the current build ends.' : ''}
        </p>
        <Button
          tone="danger"
          disabled={remove === undefined || remove.disabled}
          onClick={() => remove?.run()}
        >
          Delete workspace
        </Button>
      </div>
      {dialog}
    </Section>
  )
}
