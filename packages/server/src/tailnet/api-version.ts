import { badRequest } from '../errors/index.ts'

const MAJOR = 2
const MINOR = 11

/** Checks the version of the protocol that a client asks for (AC-40, AC-41). @throws ApiError 400. */
export function requireApiVersion(version: string): void {
  const [, major, minor] = /^(\d{1,9})\.(\d{1,9})$/.exec(version) ?? []
  if (Number(major) === MAJOR && Number(minor) <= MINOR) return
  throw badRequest('Unknown or unsupported API version', {
    validations: [
      {
        field: 'version',
        detail: `This server speaks ${MAJOR}.0 to ${MAJOR}.${MINOR}; "${version}" was asked for.`,
      },
    ],
  })
}
