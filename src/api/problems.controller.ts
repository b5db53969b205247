import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../access/route.js';
import { notFound } from '../problems/problem.js';
import { PROBLEM_TYPES, type ProblemSlug } from '../problems/problem-types.js';

/** The page behind the `type` of a problem document. */
@ApiExcludeController()
@Public()
@Controller('problems')
export class ProblemsController {
  @Get(':slug')
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(@Param('slug') slug: string): string {
    if (!Object.hasOwn(PROBLEM_TYPES, slug)) throw notFound();
    const { title, status, meaning } = PROBLEM_TYPES[slug as ProblemSlug];
    return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}code{background:#eee;padding:.1em .3em}</style>
<h1>${title}</h1><p><code>${slug}</code>, status ${status}</p><p>${meaning.replace(/`([^`]*)`/g, '<code>$1</code>')}</p></html>`;
  }
}
