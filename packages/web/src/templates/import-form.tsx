import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'

import {
  createTemplate,
  createTemplateVersion,
  type TemplateExample,
  type TemplateVersion,
  uploadFile,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { fieldError } from '../api/errors.ts'
import { useGo } from '../navigation/app-link.tsx'
import { OrganizationAutocomplete } from '../organizations/organization-autocomplete.tsx'
import { useOrganizationChoice } from '../organizations/use-organization-choice.ts'
import { paths } from '../paths.ts'
import { useSeveralOrganizations } from '../session/session.tsx'
import { Button } from '../ui/button.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Field, TextArea, TextInput } from '../ui/form.tsx'
import { Notice } from '../ui/notice.tsx'
import { Section } from '../ui/page.tsx'
import { JobLog } from '../workspaces/build-log.tsx'
import { nameFault } from '../workspaces/workspace-name.ts'
import { versionQuery } from './queries.ts'

/** Name and describe a new template; its import runs first, with the log on screen (UI-1003). */
export function ImportForm({ source }: { readonly source: TemplateExample | File }) {
  const go = useGo()
  const several = useSeveralOrganizations()
  const choice = useOrganizationChoice(['template', 'create'])
  const file = source instanceof File ? source : undefined
  const example = source instanceof File ? undefined : source
  const [name, setName] = useState(suggestedName(file?.name ?? example?.id ?? ''))
  const [displayName, setDisplayName] = useState(example?.name ?? '')
  const [description, setDescription] = useState(example?.description ?? '')
  const organization = choice.organization?.id ?? ''
  const [imported, setImported] = useState<TemplateVersion>()

  const begin = useMutation({
    mutationFn: async () => {
      const origin =
        file === undefined
          ? { example_id: example?.id ?? '' }
          : { file_id: (await api.call(uploadFile, { content: archive(file) })).hash }
      return api.call(createTemplateVersion, {
        params: { organization },
        body: { provisioner: 'typescript', storage_method: 'file', ...origin },
      })
    },
    onSuccess: setImported,
  })
  const version =
    useQuery({ ...versionQuery(imported?.id ?? ''), enabled: imported !== undefined }).data ?? imported
  const status = version?.job.status
  const finish = useMutation({
    mutationFn: (id: string) =>
      api.call(createTemplate, {
        params: { organization },
        body: {
          name: name.trim(),
          display_name: displayName.trim(),
          description: description.trim(),
          icon: example?.icon ?? '',
          template_version_id: id,
        },
      }),
    onSuccess: (template) => {
      void queries.invalidateQueries({ queryKey: ['templates'] })
      go(paths.template(template, several))
    },
  })
  const { mutate } = finish
  const done = status === 'succeeded' ? version?.id : undefined
  useEffect(() => {
    if (done !== undefined) mutate(done)
  }, [done, mutate])

  const failed = status === 'failed' || status === 'canceled'
  const busy = begin.isPending || finish.isPending || (version !== undefined && !failed && !finish.isError)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (busy || nameFault(name.trim()) !== undefined) return
    finish.reset()
    // An import that worked is used again: only the name or so was refused.
    if (done === undefined) begin.mutate()
    else mutate(done)
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <ErrorNotice error={begin.error ?? finish.error} title="The template was not created" />
      <Section title="About">
        <div className="flex flex-col gap-5">
          <Field
            label="Name"
            error={nameFault(name.trim()) ?? fieldError(finish.error, 'name')}
            help="Used in its address."
          >
            {(field) => (
              <TextInput
                {...field}
                autoFocus
                spellCheck={false}
                autoComplete="off"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <Field label="Display name" error={fieldError(finish.error, 'display_name')}>
            {(field) => (
              <TextInput
                {...field}
                value={displayName}
                onChange={(event) => setDisplayName(event.target.value)}
              />
            )}
          </Field>
          <Field label="Description" error={fieldError(finish.error, 'description')}>
            {(field) => (
              <TextArea
                {...field}
                rows={2}
                value={description}
                onChange={(event) => setDescription(event.target.value)}
              />
            )}
          </Field>
          {choice.several ? (
            <Field label="Organization">
              {(field) => (
                <OrganizationAutocomplete
                  field={field}
                  question={['template', 'create']}
                  value={choice.organization}
                  onChange={choice.choose}
                />
              )}
            </Field>
          ) : null}
        </div>
      </Section>
      {version === undefined ? null : (
        <>
          {failed ? (
            <Notice tone="bad" title={`Import failed: ${version.job.error ?? 'it was canceled'}`}>
              The log shows where. Change the template, then try again.
            </Notice>
          ) : null}
          <div className="overflow-hidden rounded-card border border-line">
            <JobLog
              key={version.id}
              of={{ kind: 'version', id: version.id }}
              running={!failed && done === undefined}
              fileName={`${name}-import.log`}
              height="20rem"
            />
          </div>
        </>
      )}
      <div className="flex justify-end">
        <Button type="submit" tone="primary" busy={busy} disabled={organization === ''}>
          Create template
        </Button>
      </div>
    </form>
  )
}

function suggestedName(source: string): string {
  return source
    .replace(/\.(tar|zip|tar\.gz|tgz)$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 32)
}

/** Browsers do not know the type of a .tar. */
function archive(file: File): Blob {
  return new Blob([file], { type: /\.zip$/i.test(file.name) ? 'application/zip' : 'application/x-tar' })
}
