import { Type } from 'typebox'

import { route } from './route.ts'

const tag = 'Debug'

export const getPprofIndex = route('GET /api/v2/debug/pprof', {
  id: 'debug-pprof-index',
  tag,
  responses: { 200: null },
})

export const getPprofCommandLine = route('GET /api/v2/debug/pprof/cmdline', {
  id: 'debug-pprof-cmdline',
  tag,
  responses: { 200: null },
})

const Seconds = Type.Optional(Type.Integer({ minimum: 1, maximum: 60 }))

export const getPprofProfile = route('GET /api/v2/debug/pprof/profile', {
  id: 'debug-pprof-profile',
  tag,
  query: Type.Object({ seconds: Seconds }),
  responses: { 200: null },
})

export const getPprofSymbol = route('GET /api/v2/debug/pprof/symbol', {
  id: 'debug-pprof-symbol',
  tag,
  responses: { 200: null },
})

export const getPprofTrace = route('GET /api/v2/debug/pprof/trace', {
  id: 'debug-pprof-trace',
  tag,
  query: Type.Object({ seconds: Seconds }),
  responses: { 200: null },
})

export const getPprofOther = route('GET /api/v2/debug/pprof/{profile}', {
  id: 'debug-pprof-named',
  tag,
  query: Type.Object({ seconds: Seconds }),
  responses: { 200: null },
})

export const collectProfiles = route('POST /api/v2/debug/profile', {
  id: 'collect-debug-profiles',
  tag,
  query: Type.Object({ duration: Type.Optional(Type.String()), profiles: Type.Optional(Type.String()) }),
  responses: { 200: null },
})
