//! Reads from one parsed file every path that leaves its room.
//!
//! Paths inside macros and attributes, which `syn` leaves as tokens, are read from those tokens, so
//! that a `format!` cannot carry an import past the check.

use proc_macro2::TokenTree;
use syn::visit::{self, Visit};

use crate::rooms::{check_dependency, check_name, check_room};

/// What the paths of the module `module` break.
pub(crate) fn faults_of_imports(module: Vec<String>, file: &syn::File) -> Vec<String> {
    let mut imports = Imports {
        module,
        faults: Vec::new(),
    };
    imports.visit_file(file);
    imports.faults
}

/// Walks one parsed file and notes every path that leaves its room.
struct Imports {
    module: Vec<String>,
    faults: Vec<String>,
}

impl Imports {
    fn note(&mut self, verdict: Result<(), String>) {
        if let Err(fault) = verdict
            && !self.faults.contains(&fault)
        {
            self.faults.push(fault);
        }
    }

    /// Judges a path that is used where it stands. A lone name is a binding or came in by a `use`.
    fn judge_used(&mut self, segments: &[String]) {
        if segments.len() > 1 {
            self.judge(segments);
        }
    }

    /// Judges a path as written in this module.
    fn judge(&mut self, segments: &[String]) {
        let Some(room) = self.module.first().cloned() else {
            return;
        };
        let mut place = match segments.first().map(String::as_str) {
            Some("crate" | "gatehouse") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            Some(name) if segments.len() > 1 => return self.note(check_dependency(&room, name)),
            _ => return,
        };
        for segment in segments {
            match segment.as_str() {
                "crate" | "gatehouse" | "self" => {}
                "super" => drop(place.pop()),
                name => place.push(name.to_owned()),
            }
        }
        let verdict = match place.first() {
            Some(other) => check_room(&room, other),
            None => Err(format!(
                "`{room}` imports the crate's root, which hides the room it means"
            )),
        };
        self.note(verdict);
    }

    fn judge_use(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.judge_use(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.judge_use(before, item);
                }
            }
            syn::UseTree::Name(name) => self.judge_imported(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.judge_imported(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.judge_imported(before),
        }
    }

    /// Judges what a `use` brings in, where even a lone `sqlx` is the dependency.
    fn judge_imported(&mut self, path: &[String]) {
        match path {
            [name] if !matches!(name.as_str(), "crate" | "gatehouse" | "self" | "super") => {
                self.judge(&[name.clone(), String::new()]);
            }
            path => self.judge(path),
        }
    }

    /// Judges the paths in tokens that `syn` does not parse; what stands in literals is no path.
    fn judge_tokens(&mut self, tokens: proc_macro2::TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(name) if colons == 2 => path.push(name.to_string()),
                TokenTree::Ident(name) => {
                    let begun = vec![name.to_string()];
                    self.judge_used(&std::mem::replace(&mut path, begun));
                }
                TokenTree::Group(group) => {
                    self.judge_used(&std::mem::take(&mut path));
                    self.judge_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.judge_used(&std::mem::take(&mut path));
                }
            }
            colons = 0;
        }
        self.judge_used(&path);
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.judge_use(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let name = item.ident.to_string();
        self.note(check_name(&name));
        self.module.push(name);
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        self.judge_used(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.judge_tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.judge_tokens(list.tokens.clone());
        visit::visit_meta_list(self, list);
    }
}
