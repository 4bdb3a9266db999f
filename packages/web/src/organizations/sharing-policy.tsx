import { useMutation, useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'

import { type ShareableWorkspaceOwners, updateWorkspaceSharing } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { classNames } from '../ui/class-names.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { useOrganization } from './organization-context.ts'
import { refreshOrganizations, sharingSettingsQuery } from './queries.ts'

interface Mode {
  readonly id: ShareableWorkspaceOwners
  readonly label: string
  readonly about: string
  /** What is asked before it takes something away. */
  readonly narrowing?: { readonly question: string; readonly loss: string }
}

const MODES: readonly Mode[] = [
  {
    id: 'everyone',
    label: 'All workspaces',
    about: 'Every member may share their own workspaces with other members and groups.',
  },
  {
    id: 'service_accounts',
    label: 'Workspaces of service accounts',
    about: 'Only workspaces of service accounts can be shared.',
    narrowing: {
      question: 'Share workspaces of service accounts only?',
      loss: 'People’s workspaces are no longer shared with anybody: their access lists are erased, and connections of others end.',
    },
  },
  {
    id: 'none',
    label: 'No workspaces',
    about: 'Workspaces cannot be shared, and members do not see each other.',
    narrowing: {
      question: 'Stop sharing all workspaces?',
      loss: 'Workspaces of the organization are no longer shared with anybody: their access lists are erased, and connections of others end.',
    },
  },
]

/** Whose workspaces may be shared (WS-50); narrowing it erases what is shared, so it asks first. */
export function SharingPolicy() {
  const { organization } = useOrganization()
  const name = useId()
  const settings = useQuery(sharingSettingsQuery(organization.id))
  const [asked, setAsked] = useState<Mode>()
  const save = useMutation({
    mutationFn: (mode: Mode) =>
      api.call(updateWorkspaceSharing, {
        params: { organization: organization.id },
        body: { shareable_workspace_owners: mode.id },
      }),
    onSuccess: async (saved) => {
      queries.setQueryData(sharingSettingsQuery(organization.id).queryKey, saved)
      setAsked(undefined)
      toasts.done('Workspace sharing saved')
      await refreshOrganizations()
    },
  })
  const choose = (mode: Mode) => {
    save.reset()
    if (mode.narrowing === undefined) save.mutate(mode)
    else setAsked(mode)
  }
  const present = settings.data?.shareable_workspace_owners
  const off = settings.data?.sharing_globally_disabled === true
  return (
    <Section title="Workspace sharing" help="Which workspaces can be shared with other members.">
      {settings.data === undefined ? (
        settings.isError ? (
          <ErrorNotice
            error={settings.error}
            title="The setting could not be read"
            onRetry={() => void settings.refetch()}
          />
        ) : (
          <AfterDelay>
            <div className="skeleton h-40" />
          </AfterDelay>
        )
      ) : (
        <div className="flex flex-col gap-4">
          {off ? (
            <Notice tone="info" title="Sharing is switched off for the whole deployment">
              An operator can allow it by removing <code>--disable-workspace-sharing</code>.
            </Notice>
          ) : null}
          {asked === undefined ? <ErrorNotice error={save.error} title="The setting was not saved" /> : null}
          <fieldset disabled={off || save.isPending} className="flex flex-col gap-2">
            <legend className="sr-only">Workspaces that may be shared</legend>
            {MODES.map((mode) => (
              <label
                key={mode.id}
                className={classNames(
                  'flex items-start gap-3 rounded-control border px-3 py-2.5 text-sm has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-offset-2 has-[:focus-visible]:outline-accent',
                  present === mode.id ? 'border-accent bg-accent-wash' : 'border-line-strong',
                  off ? 'cursor-not-allowed' : 'cursor-pointer hover:border-ink-3',
                )}
              >
                <input
                  type="radio"
                  name={name}
                  checked={present === mode.id}
                  onChange={() => choose(mode)}
                  className="mt-0.5 size-4 shrink-0 accent-accent focus-visible:outline-none"
                />
                <span className="min-w-0">
                  <span className="block font-medium">{mode.label}</span>
                  <span className="block text-ink-2">{mode.about}</span>
                </span>
              </label>
            ))}
          </fieldset>
        </div>
      )}
      <ConfirmDialog
        open={asked !== undefined}
        onClose={() => {
          setAsked(undefined)
          save.reset()
        }}
        title={asked?.narrowing?.question ?? ''}
        description={`${asked?.narrowing?.loss ?? ''} This cannot be undone.`}
        verb="Change sharing"
        danger
        busy={save.isPending}
        error={save.error}
        onConfirm={() => (asked === undefined ? undefined : save.mutate(asked))}
      />
    </Section>
  )
}
