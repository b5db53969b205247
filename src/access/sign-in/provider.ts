import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import * as client from 'openid-client';
import { Strategy } from 'openid-client/passport';
import { publicUrlOf } from '../../config/public-url.js';
import { readSecretFile } from '../../config/secret-file.js';
import { SETTINGS } from '../../config/settings-token.js';
import type { Settings } from '../../config/settings.js';
import { notFound, ProblemError } from '../../problems/problem.js';
import { hashToken, isToken, newToken } from '../../secrets/secret-token.js';
import { type Errand, SessionStore } from '../sessions/session-store.js';
import { judgeClaims, type ProvedOperator } from './judge-claims.js';

/** Where a provider sends people back to, below the public address. */
const CALLBACK_PATH = '/v1/sessions/provider/callback';
/** How long somebody may take there. */
const ERRAND_MS = 10 * 60_000;
const ANSWER_WITHIN_SECONDS = 10;
const ERRAND_KEY = 'errand';

/** Where to send somebody, and what they have to come back with. */
export interface Departure {
  readonly url: string;
  /** For the browser alone; only its hash is kept. */
  readonly token: string;
  readonly expiresAt: Date;
}

/** The code flow with PKCE, state and nonce: each is checked, also where one of them would do. */
class ProviderStrategy extends Strategy {
  override authorizationRequestParams<Options extends object>(request: Request, options: Options): URLSearchParams {
    const parameters = new URLSearchParams(super.authorizationRequestParams(request, options as never) as URLSearchParams);
    parameters.set('state', client.randomState());
    parameters.set('nonce', client.randomNonce());
    return parameters;
  }
}

/** Operators who sign in by OpenID Connect, at a provider that the settings name. */
@Injectable()
export class Provider {
  private strategy: Promise<Strategy> | undefined;

  constructor(private readonly store: SessionStore, @Inject(SETTINGS) private readonly settings: Settings) {}

  /** @throws ProblemError `not-found` where there is no provider, `unavailable` where it does not answer */
  async depart(request: Request): Promise<Departure> {
    const errand: Record<string, unknown> = {};
    const outcome = await ask(await this.open(), request, errand);
    if (!('redirect' in outcome)) throw unavailable();
    const token = newToken('errand');
    await this.store.putErrand(nameOf(token), errand, ERRAND_MS);
    return { url: outcome.redirect, token, expiresAt: new Date(Date.now() + ERRAND_MS) };
  }

  /** Who has come back; undefined for somebody who is no operator, or who was not sent. */
  async arrive(request: Request, token: string | undefined): Promise<ProvedOperator | undefined> {
    const strategy = await this.open();
    const errand = token !== undefined && isToken('errand', token) ? await this.store.takeErrand(nameOf(token)) : undefined;
    if (!errand) return undefined;
    const outcome = await ask(strategy, request, { ...errand });
    return 'who' in outcome ? outcome.who : undefined;
  }

  /** Asked for once; a provider that did not answer is asked again. */
  private open(): Promise<Strategy> {
    this.strategy ??= this.discover().catch((error: unknown) => {
      this.strategy = undefined;
      throw error instanceof ProblemError ? error : unavailable();
    });
    return this.strategy;
  }

  private async discover(): Promise<Strategy> {
    const {
      FREEHOLD_OIDC_ISSUER: issuer, FREEHOLD_OIDC_CLIENT_ID: clientId, FREEHOLD_OIDC_CLIENT_SECRET_FILE: file,
      FREEHOLD_OIDC_CLAIM: claim, FREEHOLD_OIDC_VALUE: value,
    } = this.settings;
    if (issuer === undefined || clientId === undefined || file === undefined || value === undefined) throw notFound();
    const secret = readSecretFile('FREEHOLD_OIDC_CLIENT_SECRET_FILE', file);
    const config = await client.discovery(new URL(issuer), clientId, secret, undefined, {
      timeout: ANSWER_WITHIN_SECONDS,
      // The settings take an address without TLS of this machine alone.
      ...(issuer.startsWith('http:') && { execute: [client.allowInsecureRequests] }),
    });
    const options = {
      config, scope: 'openid email profile', callbackURL: `${publicUrlOf(this.settings)}${CALLBACK_PATH}`, sessionKey: ERRAND_KEY,
    };
    return new ProviderStrategy(options, (tokens, done) => {
      readClaims(config, tokens).then(
        (claims) => void done(null, judgeClaims(claims, { issuer, claim, value }) ?? false), (error: unknown) => void done(error),
      );
    });
  }
}

type Tokens = client.TokenEndpointResponse & client.TokenEndpointResponseHelpers;

/** What the provider says of somebody, in the token that it signed and where it is asked for more. */
async function readClaims(config: client.Configuration, tokens: Tokens) {
  const claims = tokens.claims();
  if (!claims) throw unavailable();
  const more = config.serverMetadata().userinfo_endpoint === undefined
    ? {}
    : await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  return { ...more, ...claims };
}

type Outcome = { readonly redirect: string } | { readonly who: ProvedOperator } | { readonly failed: true };

/**
 * Drives a strategy as Passport does, but for that an errand is kept before somebody is sent away. What a strategy remembers it writes
 * into the request's session.
 */
function ask(strategy: Strategy, request: Request, errand: Errand): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const copy = Object.assign(Object.create(strategy) as Strategy, {
      redirect: (url: string) => resolve({ redirect: url }),
      success: (who: ProvedOperator) => resolve({ who }),
      fail: () => resolve({ failed: true }),
      pass: () => resolve({ failed: true }),
      // A provider's refusal, a wrong state and a bad signature alike: nobody is let in.
      error: (error: unknown) => (error instanceof ProblemError ? reject(error) : resolve({ failed: true })),
    });
    const inner = Object.assign(Object.create(request) as Request, { session: errand });
    copy.authenticate(inner, {} as never);
  });
}

const nameOf = (token: string): string => hashToken(token).toString('base64url');

const unavailable = (): ProblemError =>
  new ProblemError('unavailable', 'the provider by which operators sign in cannot be reached', { hint: 'try again in a moment' });
