package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// sources is one directory of Go, its subdirectories included.
type sources struct {
	root      string
	set       *token.FileSet
	files     []*ast.File
	functions map[string]*ast.FuncDecl
}

func read(root string) (*sources, error) {
	s := &sources{root: root, set: token.NewFileSet(), functions: map[string]*ast.FuncDecl{}}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(s.set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		s.files = append(s.files, file)
		for _, declaration := range file.Decls {
			if function, ok := declaration.(*ast.FuncDecl); ok {
				s.functions[function.Name.Name] = function
			}
		}
		return nil
	})
	return s, err
}

func (s *sources) relative(path string) string {
	if short, err := filepath.Rel(s.root, path); err == nil {
		return short
	}
	return path
}

// resolve returns the strings, or the names of the constants, that an expression can be; "%v" is the text of
// an error.
func (s *sources) resolve(expression ast.Expr, in *ast.FuncDecl, depth int) []string {
	if expression == nil || depth > 8 {
		return nil
	}
	if text, ok := literal(expression); ok {
		return []string{text}
	}
	switch node := expression.(type) {
	case *ast.Ident:
		return s.variable(node, in, depth+1)
	case *ast.SelectorExpr:
		return s.selected(node, in, depth+1)
	case *ast.CallExpr:
		switch called(node) {
		case "Error":
			return []string{"%v"}
		case "Sprintf", "Errorf", "New":
			if len(node.Args) > 0 {
				return s.resolve(node.Args[0], in, depth+1)
			}
		}
	}
	return nil
}

// selected resolves a constant of another package, or a field of a condition, wherever it is filled.
func (s *sources) selected(node *ast.SelectorExpr, in *ast.FuncDecl, depth int) []string {
	name, ok := node.X.(*ast.Ident)
	if !ok {
		return nil
	}
	if !isLocal(name.Name, in) {
		return []string{node.Sel.Name}
	}
	var found []string
	for _, function := range s.functions {
		if function.Body == nil {
			continue
		}
		ast.Inspect(function.Body, func(inner ast.Node) bool {
			filled, ok := inner.(*ast.CompositeLit)
			if ok && isCondition(filled) {
				found = add(found, s.resolve(field(filled, node.Sel.Name), function, depth))
			}
			return true
		})
	}
	return found
}

// variable resolves what was last assigned to a variable, or what a parameter is called with.
func (s *sources) variable(name *ast.Ident, in *ast.FuncDecl, depth int) []string {
	var values []string
	assigned := false
	ast.Inspect(in.Body, func(node ast.Node) bool {
		assignment, ok := node.(*ast.AssignStmt)
		if !ok || assignment.Pos() >= name.Pos() {
			return true
		}
		for index, left := range assignment.Lhs {
			if target, ok := left.(*ast.Ident); !ok || target.Name != name.Name {
				continue
			}
			if assignment.Tok == token.DEFINE {
				values = nil
			}
			assigned = true
			if len(assignment.Rhs) == len(assignment.Lhs) {
				values = add(values, s.resolve(assignment.Rhs[index], in, depth))
			} else if call, ok := assignment.Rhs[0].(*ast.CallExpr); ok {
				values = add(values, s.returned(called(call), index, depth))
			}
		}
		return true
	})
	if assigned {
		return values
	}
	return s.passed(name.Name, in, depth)
}

// returned resolves one result of a function.
func (s *sources) returned(name string, result, depth int) []string {
	function := s.functions[name]
	if function == nil || function.Body == nil {
		return nil
	}
	var values []string
	ast.Inspect(function.Body, func(node ast.Node) bool {
		if statement, ok := node.(*ast.ReturnStmt); ok && result < len(statement.Results) {
			values = add(values, s.resolve(statement.Results[result], function, depth))
		}
		return true
	})
	return values
}

// passed resolves a parameter by all calls of its function.
func (s *sources) passed(parameter string, in *ast.FuncDecl, depth int) []string {
	index := 0
	position := -1
	for _, group := range in.Type.Params.List {
		for _, name := range group.Names {
			if name.Name == parameter {
				position = index
			}
			index++
		}
	}
	if position < 0 {
		return nil
	}
	var values []string
	for _, function := range s.functions {
		if function.Body == nil {
			continue
		}
		ast.Inspect(function.Body, func(node ast.Node) bool {
			call, ok := node.(*ast.CallExpr)
			if ok && called(call) == in.Name.Name && position < len(call.Args) {
				values = add(values, s.resolve(call.Args[position], function, depth))
			}
			return true
		})
	}
	return values
}

func isLocal(name string, in *ast.FuncDecl) bool {
	local := false
	ast.Inspect(in, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.Field:
			for _, each := range node.Names {
				local = local || each.Name == name
			}
		case *ast.ValueSpec:
			for _, each := range node.Names {
				local = local || each.Name == name
			}
		case *ast.AssignStmt:
			for _, left := range node.Lhs {
				target, ok := left.(*ast.Ident)
				local = local || (ok && node.Tok == token.DEFINE && target.Name == name)
			}
		}
		return true
	})
	return local
}

// literal is a string that stands in the source, in one piece or in several.
func literal(expression ast.Expr) (string, bool) {
	switch node := expression.(type) {
	case *ast.BasicLit:
		if node.Kind != token.STRING {
			return "", false
		}
		text, err := strconv.Unquote(node.Value)
		return text, err == nil
	case *ast.ParenExpr:
		return literal(node.X)
	case *ast.BinaryExpr:
		left, isLeft := literal(node.X)
		right, isRight := literal(node.Y)
		return left + right, node.Op == token.ADD && isLeft && isRight
	}
	return "", false
}

func called(call *ast.CallExpr) string {
	switch function := call.Fun.(type) {
	case *ast.Ident:
		return function.Name
	case *ast.SelectorExpr:
		return function.Sel.Name
	}
	return ""
}

// isLog tells a call of a logger: klog.…, logger.…, and what they return.
func isLog(call *ast.CallExpr) bool {
	expression := call.Fun
	for {
		switch node := expression.(type) {
		case *ast.SelectorExpr:
			expression = node.X
		case *ast.CallExpr:
			expression = node.Fun
		case *ast.Ident:
			return node.Name == "klog" || node.Name == "logger"
		default:
			return false
		}
	}
}

func typeName(expression ast.Expr) string {
	switch node := expression.(type) {
	case *ast.Ident:
		return node.Name
	case *ast.SelectorExpr:
		return node.Sel.Name
	}
	return ""
}

func field(filled *ast.CompositeLit, name string) ast.Expr {
	for _, element := range filled.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := pair.Key.(*ast.Ident); ok && key.Name == name {
			return pair.Value
		}
	}
	return nil
}

func add(values, more []string) []string {
	for _, value := range more {
		known := false
		for _, each := range values {
			known = known || each == value
		}
		if !known {
			values = append(values, value)
		}
	}
	return values
}
