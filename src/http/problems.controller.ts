import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { Takes } from './route.js';
import { notFound } from '../problems/problem.js';
import { findProblemType, listProblemTypes, type ProblemType } from '../problems/problem-types.js';

/** The page behind the `type` of a problem document; the same as JSON for programs that ask for it. */
@ApiExcludeController()
@Controller('problems')
export class ProblemsController {
  @Get()
  @Takes('problem-type.read')
  list() {
    return { data: [...listProblemTypes()].map(([slug, type]) => ({ slug, ...type })), nextCursor: null };
  }

  @Get(':slug')
  @Takes('problem-type.read')
  page(@Param('slug') slug: string, @Req() request: Request, @Res() response: Response): void {
    const type = findProblemType(slug);
    if (!type) throw notFound();
    response.vary('Accept');
    if (request.accepts('html', 'json') === 'json') response.json({ slug, ...type });
    else response.type('html').send(render(slug, type));
  }
}

const STYLE = 'body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}'
  + 'code{background:#eee;padding:.1em .3em}';

function render(slug: string, { title, status, meaning }: ProblemType): string {
  const text = meaning.replaceAll('<', '&lt;').replace(/`([^`]*)`/g, '<code>$1</code>');
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>${STYLE}</style>
<h1>${title}</h1><p><code>${slug}</code>, status ${status}</p><p>${text}</p></html>`;
}
