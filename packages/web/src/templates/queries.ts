import { queryOptions } from '@tanstack/react-query'

import {
  getTemplateByName,
  getTemplateVersion,
  getTemplateVersionByName,
  listTemplateExamples,
  listTemplates,
  listTemplateVersionParameters,
  listTemplateVersionPresets,
  listTemplateVersions,
  type Template,
} from '@slipway/contract'
import { api } from '../api/client.ts'
import { pollEvery } from '../api/polling.ts'

const IMPORT_MS = 2000

/** Templates that the viewer may read, by a filter in the server's grammar. */
export function templatesQuery(filter: string) {
  return queryOptions({
    queryKey: ['templates', filter],
    queryFn: ({ signal }) =>
      api.call(listTemplates, { ...(filter === '' ? {} : { query: { q: filter } }), signal }),
    staleTime: 15_000,
    // Right after set-up the built-in template is still being imported.
    refetchInterval: (query) => (query.state.data?.length === 0 ? pollEvery(IMPORT_MS)(query) : false),
  })
}

/** A template by its address; `organization` is an id or a name (UI-402). */
export function templateQuery(organization: string, name: string) {
  return queryOptions({
    queryKey: ['template', organization, name],
    queryFn: ({ signal }): Promise<Template> =>
      api.call(getTemplateByName, { params: { organization, templatename: name }, signal }),
  })
}

export function versionQuery(id: string) {
  return queryOptions({
    queryKey: ['template-version', id],
    queryFn: ({ signal }) => api.call(getTemplateVersion, { params: { templateversion: id }, signal }),
    refetchInterval: (query) => {
      const status = query.state.data?.job.status
      return status === 'pending' || status === 'running' || status === 'canceling'
        ? pollEvery(IMPORT_MS)(query)
        : false
    },
  })
}

export function versionByNameQuery(templateId: string, name: string) {
  return queryOptions({
    queryKey: ['template-version-by-name', templateId, name],
    queryFn: ({ signal }) =>
      api.call(getTemplateVersionByName, {
        params: { template: templateId, templateversionname: name },
        signal,
      }),
    refetchInterval: (query) => {
      const status = query.state.data?.job.status
      return status === 'pending' || status === 'running' || status === 'canceling'
        ? pollEvery(IMPORT_MS)(query)
        : false
    },
  })
}

export function versionsQuery(templateId: string, archived: boolean) {
  return queryOptions({
    queryKey: ['template-versions', templateId, archived],
    queryFn: ({ signal }) =>
      api.call(listTemplateVersions, {
        params: { template: templateId },
        query: archived ? { include_archived: true } : {},
        signal,
      }),
  })
}

export function versionParametersQuery(versionId: string) {
  return queryOptions({
    queryKey: ['template-version-parameters', versionId],
    queryFn: ({ signal }) =>
      api.call(listTemplateVersionParameters, { params: { templateversion: versionId }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

export function presetsQuery(versionId: string) {
  return queryOptions({
    queryKey: ['template-version-presets', versionId],
    queryFn: ({ signal }) =>
      api.call(listTemplateVersionPresets, { params: { templateversion: versionId }, signal }),
    staleTime: 60_000,
  })
}

export const examplesQuery = queryOptions({
  queryKey: ['template-examples'],
  queryFn: ({ signal }) => api.call(listTemplateExamples, { signal }),
  staleTime: Number.POSITIVE_INFINITY,
})

/** What people call a template. */
export function templateTitle(template: Pick<Template, 'name' | 'display_name'>): string {
  return template.display_name === '' ? template.name : template.display_name
}
